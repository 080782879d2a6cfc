import { Template, TemplateRequest } from '@convos/pool/contract'
import type { z } from 'zod'
import type { FieldError } from '../api/errors.ts'
import { type Faults, faultsIn } from '../ui/faults.ts'

/** What an editor changes of a template, and what a version of it holds. */
export const Draft = Template.pick({ agentName: true, instructions: true, model: true, tools: true, visibility: true })
export type Draft = z.infer<typeof Draft>

export const EMPTY: Draft = {
  agentName: '',
  instructions: '',
  model: { default: null, allow_override: true },
  tools: [],
  visibility: 'private',
}

export const draftOf = ({ agentName, instructions, model, tools, visibility }: Draft): Draft => ({
  agentName,
  instructions,
  model,
  tools,
  visibility,
})

const NAME_MAX = 64
const COPY = ' copy'
const letters = new Intl.Segmenter()

/** As many whole letters as fit into so many characters. */
function cut(text: string, max: number): string {
  let fits = ''
  for (const { segment } of letters.segment(text)) {
    if (fits.length + segment.length > max) break
    fits += segment
  }
  return fits
}

/** Another one like it: nobody else sees it at first. */
export const copyOf = (template: Draft): Draft => ({
  ...draftOf(template),
  agentName: cut(template.agentName, NAME_MAX - COPY.length) + COPY,
  visibility: 'private',
})

/** What is sent. */
export const bodyOf = (draft: Draft): TemplateRequest => ({
  ...draftOf(draft),
  agentName: draft.agentName.trim(),
  model: { ...draft.model, default: draft.model.default?.trim() || null },
})

/** What the contract has against it. */
export function faultsOf(draft: Draft): Faults {
  if (draft.agentName.trim() === '') return { agentName: 'A template needs a name; its agents are called like that.' }
  return faultsIn(TemplateRequest.safeParse(bodyOf(draft)).error)
}

const FIELDS = ['agentName', 'instructions', 'model', 'tools', 'visibility'] as const
export type DraftField = (typeof FIELDS)[number]

const toolsIn = ({ tools }: Draft) =>
  tools
    .map(({ id, provisioning }) => `${id} ${provisioning}`)
    .toSorted()
    .join('\n')

/** In what two of them differ, by what would be saved; the order of tools means nothing. */
export function changedFields(before: Draft, after: Draft): DraftField[] {
  const [a, b] = [bodyOf(before), bodyOf(after)]
  const same: Record<DraftField, boolean> = {
    agentName: a.agentName === b.agentName,
    instructions: a.instructions === b.instructions,
    model: a.model.default === b.model.default && a.model.allow_override === b.model.allow_override,
    tools: toolsIn(a) === toolsIn(b),
    visibility: a.visibility === b.visibility,
  }
  return FIELDS.filter((field) => !same[field])
}

/** Faults of tools are told by their place in what was sent; here by the tool, which may stand elsewhere since. */
export const namedFaults = (fields: readonly FieldError[], { tools }: Pick<Draft, 'tools'>): FieldError[] =>
  fields.map(({ path, message }) => ({
    path: path.replace(/^tools\.(\d+)(\..*)?$/, (whole, at: string) =>
      tools[Number(at)] ? `tools.${tools[Number(at)]?.id}` : whole,
    ),
    message,
  }))

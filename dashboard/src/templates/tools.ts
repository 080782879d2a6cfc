import type { OfferedTool } from '@convos/pool/contract'
import { fieldsOf } from '../claim/credentials.ts'
import { toolName } from '../claim/templates.ts'
import type { Draft } from './draft.ts'

type Mode = Draft['tools'][number]['provisioning']

/** One tool as a template may ask for it. */
export interface ToolChoice {
  id: string
  name: string
  /** Null: the template does not ask for it. */
  mode: Mode | null
  /** Those that it is made for, each with true, or why it cannot be had now. */
  modes: Partial<Record<Mode, true | string>>
  /** What the claimer will be asked for, when they bring it. */
  asks: readonly string[]
}

const modesOf = ({ provisioning }: OfferedTool): Mode[] =>
  (['pool', 'user'] as const).filter((mode) => provisioning.includes(mode))

/** The tools that there is something to choose for: those that are offered in a mode of a template, and those that it has. */
export function toolChoices(draft: Draft, offered: readonly OfferedTool[]): ToolChoice[] {
  const known = offered.filter((tool) => modesOf(tool).length > 0)
  const gone = draft.tools.filter(({ id }) => !known.some(({ toolId }) => toolId === id))
  const modeOf = (toolId: string) => draft.tools.find(({ id }) => id === toolId)?.provisioning ?? null
  return [
    ...known.map((tool) => {
      const mode = modeOf(tool.toolId)
      const had = mode === null ? {} : { [mode]: 'it is not offered like that any more' }
      return {
        id: tool.toolId,
        name: toolName(tool.toolId, tool),
        mode,
        modes: { ...had, ...Object.fromEntries(modesOf(tool).map((one) => [one, may(tool, one)])) },
        asks: tool.userConfig ? (fieldsOf(tool.userConfig)?.map(({ label }) => label) ?? []) : [],
      }
    }),
    ...gone.map(({ id, provisioning }) => ({
      id,
      name: toolName(id, undefined),
      mode: provisioning,
      modes: { [provisioning]: 'it is not offered any more' },
      asks: [],
    })),
  ]
}

/** With the claimer's own account, a tool needs none of ours. */
const may = ({ available }: OfferedTool, mode: Mode): true | string =>
  available || mode === 'user' ? true : 'it is not available here'

/** What every agent has, whatever its template says. */
export const alwaysThere = (offered: readonly OfferedTool[]): string[] =>
  offered
    .filter(({ provisioning, available }) => available && provisioning.includes('always'))
    .map((tool) => toolName(tool.toolId, tool))

export const withMode = (tools: Draft['tools'], id: string, mode: Mode | null): Draft['tools'] => {
  const others = tools.filter((tool) => tool.id !== id)
  return mode === null ? others : [...others, { id, provisioning: mode }]
}

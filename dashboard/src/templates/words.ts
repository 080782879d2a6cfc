import { plural } from '../ui/format.ts'
import type { Draft, DraftField } from './draft.ts'

/** Who sees a template and may claim it. */
export const VISIBILITY_WORDS: Record<Draft['visibility'], { name: string; hint: string }> = {
  private: { name: 'Only me', hint: 'Nobody else can claim it; operators see it.' },
  public: { name: 'Everybody', hint: 'Whoever can claim agents sees it and can claim it.' },
}

/** Who pays for a tool, and whose account it is. */
export const MODE_WORDS: Record<Draft['tools'][number]['provisioning'], { name: string; hint: string }> = {
  pool: { name: 'We provide it', hint: 'Each agent gets one of its own, and the claimer is asked for nothing.' },
  user: { name: 'Claimer brings it', hint: 'The agent works with the account of its claimer.' },
}

export const FIELD_WORDS: Record<DraftField, string> = {
  agentName: 'Name',
  instructions: 'Instructions',
  model: 'Model',
  tools: 'Tools',
  visibility: 'Who may claim it',
}

/** A field other than the instructions, in a line. */
export function valueText(field: Exclude<DraftField, 'instructions'>, draft: Draft): string {
  if (field === 'agentName') return draft.agentName
  if (field === 'visibility') return VISIBILITY_WORDS[draft.visibility].name
  if (field === 'model') return modelText(draft.model)
  const tools = draft.tools.map(({ id, provisioning }) => `${id} (${MODE_WORDS[provisioning].name.toLowerCase()})`)
  return tools.length === 0 ? 'none' : tools.toSorted().join(', ')
}

export const modelText = ({ default: model, allow_override: free }: Draft['model']): string =>
  `${model ?? 'the one that agents have anyway'}${free ? '' : ', and no other'}`

/** "Instructions, tools": what a version changed. */
export function changeText(fields: readonly DraftField[]): string {
  const text = fields.map((field) => FIELD_WORDS[field].toLowerCase()).join(', ')
  return text === '' ? 'Nothing was changed' : text.charAt(0).toUpperCase() + text.slice(1)
}

/** "3 agents"; the pool's list may be cut off. */
export const agentsText = (count: number, truncated: boolean): string =>
  truncated ? `${plural(count, 'agent')} at least` : plural(count, 'agent')

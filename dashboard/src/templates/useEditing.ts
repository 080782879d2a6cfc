import { z } from 'zod'
import { useSessionState } from '../ui/useSessionState.ts'
import { changedFields, Draft, type DraftField, draftOf } from './draft.ts'

/** What stands in the editor, and of which version it was made. */
const Stored = z.object({ base: z.int(), draft: Draft })

export interface Editing {
  draft: Draft
  /** The version that was changed; the present one while nothing is. */
  base: number
  /** What is not saved; empty: everything is. */
  changed: readonly DraftField[]
  change: (part: Partial<Draft>) => void
  discard: () => void
}

/** What is typed, kept in this tab until it is saved or given up: a reload or a session that ends loses nothing. */
export function useEditing(name: string, saved: Draft, version: number): Editing {
  const [stored, store] = useSessionState(`convos.template.${name}`, Stored.nullable(), null)
  const changed = stored === null ? [] : changedFields(saved, stored.draft)
  const draft = stored?.draft ?? draftOf(saved)
  const base = stored !== null && changed.length > 0 ? stored.base : version
  return {
    draft,
    base,
    changed,
    change: (part) => store({ base, draft: { ...draft, ...part } }),
    discard: () => store(null),
  }
}

import type { Search } from '../url.ts'

export const SHARES = ['mine', 'public', 'private'] as const
type Share = (typeof SHARES)[number]

/** The page as its address says it: which templates, and which one is open how. */
export interface TemplatesView {
  text: string
  /** Null: all that may be seen. */
  share: Share | null
  /** The id of the one that is open, `new` for one that is being made; empty: none. */
  open: string
  /** What a new one begins as: a copy of this one. */
  from: string
  tab: 'edit' | 'history'
  /** The version that is looked at in the history; null: the latest. */
  version: number | null
  /** What it is held against there. */
  against: 'before' | 'now'
}

/** What the address cannot mean is left out. */
export function viewFrom(search: Search): TemplatesView {
  const { q: text = '', open = '', from = '', version = '' } = search
  return {
    text,
    share: SHARES.find((share) => share === search['show']) ?? null,
    open,
    from,
    tab: search['tab'] === 'history' ? 'history' : 'edit',
    version: /^[1-9]\d{0,8}$/.test(version) ? Number(version) : null,
    against: search['against'] === 'now' ? 'now' : 'before',
  }
}

/** Another template is open, at its first tab; the list stays as it is. */
export const opened =
  (open: string, from = '') =>
  (old: Search): Search => ({ q: old['q'], show: old['show'], open, from })

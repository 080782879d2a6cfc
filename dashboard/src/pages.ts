import type { Role } from '@convos/pool/contract'

export interface PageEntry {
  to: '/' | '/instances' | '/pool' | '/templates' | '/activity' | '/settings'
  name: string
  /** Who sees it; claimers see what everybody sees. */
  role: Role
  /** The second key of `g …`. */
  key: string
}

/** The pages, as navigation, palette and keyboard know them; that of a name is `<name>Page.tsx`. */
export const PAGES: readonly PageEntry[] = [
  { to: '/', name: 'Claim', role: 'claimer', key: 'c' },
  { to: '/instances', name: 'Fleet', role: 'operator', key: 'f' },
  { to: '/pool', name: 'Pool', role: 'operator', key: 'p' },
  { to: '/templates', name: 'Templates', role: 'claimer', key: 't' },
  { to: '/activity', name: 'Activity', role: 'operator', key: 'a' },
  { to: '/settings', name: 'Settings', role: 'claimer', key: 's' },
]

/** The pages that a role may see. */
export const pagesFor = (role: Role): readonly PageEntry[] =>
  PAGES.filter((page) => role === 'operator' || page.role === 'claimer')

import type { Page } from '@playwright/test'

export interface PageToSee {
  name: string
  path: string
  /** What stands there once it shows what it is for. */
  until: (page: Page) => ReturnType<Page['locator']>
}

/** Every page of the dashboard: a new one is measured and pictured by a line of its own. */
export const PAGES: readonly PageToSee[] = [
  { name: 'claim', path: '/', until: (page) => page.getByRole('textbox', { name: 'Agent name' }) },
  { name: 'fleet', path: '/instances', until: (page) => page.locator('tbody tr[data-id]').first() },
  { name: 'pool', path: '/pool', until: (page) => page.locator('.uplot') },
  { name: 'templates', path: '/templates', until: (page) => page.getByRole('link', { name: /^Trip planner/ }) },
  { name: 'activity', path: '/activity', until: (page) => page.locator('[data-line]').nth(3) },
  { name: 'settings', path: '/settings', until: (page) => page.getByRole('region', { name: 'Keys' }) },
]

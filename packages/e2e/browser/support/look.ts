import { AxeBuilder } from '@axe-core/playwright'
import { type BrowserContextOptions, expect, type Page } from '@playwright/test'
import type { RunningSandbox } from '@convos/sandbox/testing'

const ARTIFACTS = new URL('../../../.artifacts/e2e/', import.meta.url).pathname

/** What people look at it with. */
export const LOOKS: Record<string, BrowserContextOptions> = Object.fromEntries(
  (['light', 'dark'] as const).flatMap((colorScheme) => [
    [`desktop-${colorScheme}`, { colorScheme, viewport: { width: 1280, height: 800 } }],
    [`phone-${colorScheme}`, { colorScheme, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ]),
)

/** Keeps a picture of the page, and holds it to WCAG AA and to its own width. */
export async function look(page: Page, name: string): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
  // high enough for all of it: what scrolls below a bar that stays is not hidden by it for good
  const viewport = page.viewportSize()
  const height = await page.evaluate(() => document.documentElement.scrollHeight)
  if (viewport) await page.setViewportSize({ ...viewport, height: Math.max(height, viewport.height) })
  await page.screenshot({ path: `${ARTIFACTS}${name}.png`, animations: 'disabled' })
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']).analyze()
  if (viewport) await page.setViewportSize(viewport)
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  )
  expect(told).toEqual([])
}

/** Notes what a page must never do: ask anybody outside, offend its content security policy, or break. */
export function watch(page: Page): string[] {
  const offences: string[] = []
  page.on('request', (request) => {
    if (!['localhost', '127.0.0.1'].includes(new URL(request.url()).hostname)) offences.push(request.url())
  })
  page.on('pageerror', (error) => offences.push(error.message))
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) offences.push(message.text())
  })
  return offences
}

export async function logIn(page: Page, { poolUrl, poolApiKey }: RunningSandbox): Promise<void> {
  await page.goto(`${poolUrl}/login`)
  await page.getByRole('textbox', { name: 'API key' }).fill(poolApiKey)
  await page.getByRole('button', { name: 'Log in' }).click()
  await expect(page.getByRole('heading', { name: 'Claim an agent' })).toBeVisible()
}

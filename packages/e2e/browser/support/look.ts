import { AxeBuilder } from '@axe-core/playwright'
import { type BrowserContextOptions, expect, type Page } from '@playwright/test'

const ARTIFACTS = new URL('../../../../.artifacts/e2e/', import.meta.url).pathname

/** What people look at it with. */
export const LOOKS: Record<string, BrowserContextOptions> = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
}

const AA = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']

/** Keeps pictures of the page in both themes, and holds it to WCAG AA in both and to its own width. */
export async function look(page: Page, name: string): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
  // high enough for all of it: what scrolls below a bar that stays is not hidden by it for good
  const viewport = page.viewportSize()
  const height = await page.evaluate(() => document.documentElement.scrollHeight)
  const isHigher = viewport !== null && height > viewport.height
  if (isHigher) await page.setViewportSize({ ...viewport, height })
  for (const colorScheme of ['light', 'dark'] as const) {
    // colours that are still on their way would be judged as they are
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.screenshot({ path: `${ARTIFACTS}${name}-${colorScheme}.png`, animations: 'disabled' })
    // another theme is other colours, and nothing else
    const axe = await axeOf(page)
    await hold(colorScheme === 'light' ? axe.withTags(AA) : axe.withRules(['color-contrast']))
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })
  if (isHigher) await page.setViewportSize(viewport)
}

/** What floats is looked at by itself: the page below was looked at without it. */
async function axeOf(page: Page): Promise<AxeBuilder> {
  const floating = '[role=dialog], [role=menu]'
  const axe = new AxeBuilder({ page })
  return (await page.locator(floating).count()) > 0 ? axe.include(floating) : axe
}

/** Holds a page to WCAG AA. */
export const holdToAA = (page: Page): Promise<void> => hold(new AxeBuilder({ page }).withTags(AA))

async function hold(axe: AxeBuilder): Promise<void> {
  const { violations } = await axe.analyze()
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

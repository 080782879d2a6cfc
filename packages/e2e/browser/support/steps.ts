import { expect, type Locator, type Page } from '@playwright/test'
import type { RunningSandbox } from '@convos/sandbox/testing'

/** Through the login page, with the key. */
export async function logIn(page: Page, { poolUrl, poolApiKey }: RunningSandbox): Promise<void> {
  await page.goto(`${poolUrl}/login`)
  await page.getByRole('textbox', { name: 'API key' }).fill(poolApiKey)
  await page.getByRole('button', { name: 'Log in' }).click()
  await expect(page.getByRole('heading', { name: 'Claim an agent' })).toBeVisible()
}

/** The pulse, and whether it is live. */
export const pulse = (page: Page): Locator => page.getByRole('region', { name: 'Pool now' })
export const isLive = (page: Page): Promise<void> => expect(pulse(page)).toContainText('live', { timeout: 30_000 })

export const claimButton = (page: Page): Locator => page.getByRole('button', { name: /^(Claim agent|Wait for)/ })
export const invite = (page: Page): Locator => page.getByRole('link', { name: 'Open in Convos' })

export const table = (page: Page): Locator => page.getByRole('table', { name: 'Instances' })
export const panel = (page: Page): Locator => page.locator('.side-panel')
export const readyIn = (page: Page): Locator => table(page).getByText('ready', { exact: true })

/** Cells of the rack. */
export const cells = (page: Page, status: string): Locator => page.getByRole('option', { name: new RegExp(`, ${status}`) })
export const work = (page: Page): Locator => page.getByRole('region', { name: 'Operations' })

/** The pool page, its history drawn. */
export async function openPool(page: Page): Promise<void> {
  await page.goto('/pool')
  await expect(page.getByRole('listbox')).toBeVisible()
  await expect(page.locator('.uplot')).toBeVisible()
}

/** Tab, as often as it takes. */
export async function tabTo(target: Locator): Promise<void> {
  const page = target.page()
  for (let presses = 0; presses < 60; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error('the keyboard does not get there')
}

import { expect, type Page, test } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { look, LOOKS, watch } from './support/look.ts'
import { logIn } from './support/steps.ts'

let sandbox: RunningSandbox

test.describe.configure({ timeout: 120_000 })
test.beforeAll(async () => {
  test.setTimeout(120_000)
  sandbox = await startSandbox({ idle: 1, instances: 'virtual' })
})
test.afterAll(async () => {
  await sandbox.interrupt()
  await sandbox.forget()
})

async function openSettings(page: Page): Promise<void> {
  await logIn(page, sandbox)
  await page.goto(`${sandbox.poolUrl}/settings`)
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible()
}

async function makeKey(page: Page, name: string, role: 'claimer' | 'operator'): Promise<string> {
  await page.getByRole('button', { name: 'New key' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('radio', { name: role }).check()
  await page.getByRole('button', { name: 'Make key' }).click()
  const key = await page.locator('.the-key').innerText()
  await page.getByRole('button', { name: 'It is stored' }).click()
  return key
}

test('a key is made, opens the dashboard for its role, and is revoked under its user', async ({ page, browser }) => {
  const offences = watch(page)
  await openSettings(page)
  const key = await makeKey(page, 'website', 'claimer')
  expect(key).toMatch(/^convos_/)
  await expect(page.getByRole('table', { name: 'Keys' })).toContainText('website')
  expect(await page.content()).not.toContain(key)

  const other = await (await browser.newContext()).newPage()
  await logIn(other, { ...sandbox, poolApiKey: key })
  await other.goto(`${sandbox.poolUrl}/settings`)
  await expect(other.getByRole('region', { name: 'This session' })).toContainText('website')
  await expect(other.getByRole('region', { name: 'Versions and API' })).toContainText('dev')
  await expect(other.getByRole('region', { name: 'Access keys' })).toHaveCount(0)

  await page.getByRole('button', { name: 'Revoke website' }).click()
  await page.getByRole('button', { name: 'Revoke key' }).click()
  await expect(page.getByText('1 revoked key')).toBeVisible()
  await expect(other.getByRole('heading', { name: 'Log in' })).toBeVisible({ timeout: 30_000 })
  await other.context().close()
  expect(offences).toEqual([])
})

test('the cap is changed, for others who look too, and back', async ({ page, browser }) => {
  const other = await (await browser.newContext()).newPage()
  await openSettings(page)
  await openSettings(other)
  await page.getByRole('button', { name: 'Change Cap' }).click()
  await page.getByRole('textbox', { name: 'Cap, instances' }).fill('300')
  await page.keyboard.press('Enter')
  for (const one of [page, other])
    await expect(one.getByRole('region', { name: 'Limits and supply' })).toContainText('300 instances set by an operator')
  await page.getByRole('button', { name: 'Change Cap' }).click()
  await page.getByRole('textbox', { name: 'Cap, instances' }).fill('')
  await page.keyboard.press('Enter')
  await expect(other.getByRole('region', { name: 'Limits and supply' })).toContainText('no cap')
  await other.context().close()
})

for (const [name, { colorScheme, viewport }] of Object.entries(LOOKS))
  test(`it is sound: ${name}`, async ({ page }) => {
    if (viewport) await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme: colorScheme ?? null })
    await openSettings(page)
    await makeKey(page, `🦊 مساعد with a long name, for ${name}`, 'operator')
    await expect(page.getByRole('region', { name: 'Versions and API' })).toContainText('schema')
    await look(page, `settings-${name}`)
    await page.getByRole('button', { name: 'New key' }).click()
    await look(page, `settings-${name}-new`)
    await page.getByRole('textbox', { name: 'Name' }).fill(`second, ${name}`)
    await page.getByRole('button', { name: 'Make key' }).click()
    await expect(page.locator('.the-key')).toBeVisible()
    await look(page, `settings-${name}-shown`)
    await page.getByRole('button', { name: 'It is stored' }).click()
    await page.getByRole('button', { name: `Revoke second, ${name}` }).click()
    await look(page, `settings-${name}-revoke`)
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('button', { name: 'Change Longest age' }).click()
    await page.getByRole('textbox', { name: 'Longest age, hours' }).fill('0')
    await look(page, `settings-${name}-limit`)
  })

import { expect, test } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { look, watch } from './support/look.ts'
import { logIn } from './support/steps.ts'

let sandbox: RunningSandbox

test.beforeAll(async () => {
  test.setTimeout(120_000)
  sandbox = await startSandbox({ idle: 3 })
})
test.afterAll(async () => {
  await sandbox.interrupt()
  await sandbox.forget()
})

test('a newcomer follows the login link, claims an agent, opens its invite and talks to it', async ({ page, context }) => {
  const offences = watch(page)
  await page.goto(sandbox.loginUrl)
  await expect(page.getByRole('textbox', { name: 'Agent name' })).toBeVisible()
  expect(page.url()).not.toContain('#')
  await look(page, '1-claim-form')

  await page.getByRole('textbox', { name: 'Agent name' }).fill('Tokyo guide')
  await page.getByRole('textbox', { name: 'Instructions' }).fill('You are a pirate who plans trips to Tokyo.')
  await page.getByRole('button', { name: /^Claim agent/ }).click()
  const invite = page.getByRole('link', { name: 'Open in Convos' })
  await expect(invite).toBeVisible({ timeout: 30_000 })
  await look(page, '2-claimed')

  const chat = await context.newPage()
  await chat.goto((await invite.getAttribute('href')) ?? '')
  await chat.getByRole('textbox', { name: 'Your name' }).fill('Ada')
  await chat.getByRole('button', { name: 'Join' }).click()
  await chat.getByRole('textbox', { name: 'Message' }).fill('What should I see first?')
  await chat.getByRole('button', { name: 'Send' }).click()
  await expect(chat.getByRole('log')).toContainText(/pirate who plans trips to Tokyo/i, { timeout: 20_000 })
  await look(chat, '3-chat')
  expect(offences).toEqual([])
})

test('an operator logs in with the key, drains the pool and watches it refill', async ({ page }) => {
  await logIn(page, sandbox)
  await page.getByRole('link', { name: 'Pool', exact: true }).click()
  const ready = page.getByRole('option', { name: /, ready/ })
  await expect(ready).toHaveCount(3, { timeout: 30_000 })
  await page.getByRole('button', { name: 'Drain…' }).click()
  const drain = page.getByRole('region', { name: 'Drain' })
  const gone = page.locator(`[data-id="${await drain.locator('code').innerText()}"]`)
  await drain.getByRole('button', { name: 'Drain 1 instance' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Drain 1 instance' }).click()
  await expect(gone).toHaveCount(0, { timeout: 60_000 })
  await expect(ready).toHaveCount(3, { timeout: 60_000 })
})

test('a stranger gets no further than the login page', async ({ page }) => {
  await page.goto(`${sandbox.poolUrl}/pool`)
  await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible()
  await page.getByRole('textbox', { name: 'API key' }).fill('not the key')
  await page.getByRole('button', { name: 'Log in' }).click()
  await expect(page.getByRole('textbox', { name: 'API key' })).toHaveAccessibleDescription(/not known/)
})

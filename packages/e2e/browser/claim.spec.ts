import { expect, test } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { look, watch } from './look.ts'

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

test('an operator logs in with the key, sees the fleet, drains it and watches it refill', async ({ page }) => {
  await page.goto(`${sandbox.poolUrl}/login`)
  await page.getByRole('textbox', { name: 'API key' }).fill(sandbox.poolApiKey)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('link', { name: 'Pool', exact: true }).click()
  const table = page.getByRole('table', { name: 'Instances' })
  await expect(table.getByText('ready', { exact: true })).toHaveCount(3, { timeout: 30_000 })
  await look(page, '4-pool')

  const before = await table
    .getByRole('button', { name: /^Kill / })
    .evaluateAll((buttons) => buttons.map((b) => b.getAttribute('aria-label') ?? b.textContent))
  await page.getByRole('button', { name: 'Drain' }).first().click()
  await look(page, '5-draining')
  await expect
    .poll(
      async () => {
        const now = await table
          .getByRole('button', { name: /^Kill / })
          .evaluateAll((buttons) => buttons.map((b) => b.getAttribute('aria-label') ?? b.textContent))
        return before.filter((name) => !now.includes(name)).length
      },
      { timeout: 60_000 },
    )
    .toBeGreaterThan(0)
  await expect(table.getByText('ready', { exact: true })).toHaveCount(3, { timeout: 60_000 })
  await look(page, '6-refilled')
})

test('a stranger gets no further than the login page', async ({ page }) => {
  await page.goto(`${sandbox.poolUrl}/pool`)
  await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible()
  await page.getByRole('textbox', { name: 'API key' }).fill('not the key')
  await page.getByRole('button', { name: 'Log in' }).click()
  await expect(page.getByRole('textbox', { name: 'API key' })).toHaveAccessibleDescription(/not known/)
})

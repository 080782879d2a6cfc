import { expect, test } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { look, watch } from '../browser/support/look.ts'

let sandbox: RunningSandbox

test.beforeAll(async () => {
  // on first use it is installed
  test.setTimeout(900_000)
  sandbox = await startSandbox({ idle: 1, engine: 'openclaw', timeoutMs: 840_000, onLine: (line) => console.log(line) })
  // one gateway is enough for a machine: none takes the claimed one's place
  const headers = { authorization: `Bearer ${sandbox.poolApiKey}`, 'content-type': 'application/json' }
  const settings = { method: 'PATCH', headers, body: JSON.stringify({ paused: true }) }
  expect((await fetch(`${sandbox.poolUrl}/api/pool/settings`, settings)).status).toBe(200)
})
test.afterAll(async () => {
  test.setTimeout(120_000)
  await sandbox.interrupt()
  await sandbox.forget()
})

test('an agent with the real gateway is claimed on the dashboard, and answers in its chat as it was told', async ({
  page,
  context,
}) => {
  const offences = watch(page)
  await page.goto(sandbox.loginUrl)
  await page.getByRole('textbox', { name: 'Agent name' }).fill('Tokyo guide')
  await page
    .getByRole('textbox', { name: 'Instructions' })
    .fill('You are a pirate who plans trips to Tokyo. Rather walk than ride.')
  await page.getByRole('button', { name: /^Claim agent/ }).click()
  const invite = page.getByRole('link', { name: 'Open in Convos' })
  await expect(invite).toBeVisible({ timeout: 30_000 })

  const chat = await context.newPage()
  await chat.setViewportSize({ width: 720, height: 760 })
  await chat.goto((await invite.getAttribute('href')) ?? '')
  await chat.getByRole('textbox', { name: 'Your name' }).fill('Ada')
  await chat.getByRole('button', { name: 'Join' }).click()
  const ask = async (text: string) => {
    await chat.getByRole('textbox', { name: 'Message' }).fill(text)
    await chat.getByRole('button', { name: 'Send' }).click()
    await expect(chat.getByRole('article').filter({ hasText: `“${text}”` })).toHaveCount(1, { timeout: 120_000 })
    await expect(chat.getByRole('article').last()).toContainText(
      /Tokyo guide here, speaking as a pirate who plans trips to Tokyo.*Rather walk/,
    )
  }
  await ask('What should I see first?')
  await ask('And where do we eat?')
  await look(chat, 'openclaw-chat')
  expect(offences).toEqual([])
})

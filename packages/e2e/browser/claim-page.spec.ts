import { expect, type Page, test } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { logIn, look, LOOKS, watch } from './look.ts'

let sandbox: RunningSandbox

test.beforeAll(async ({ playwright }) => {
  test.setTimeout(120_000)
  sandbox = await startSandbox({ idle: 3 })
  const api = await playwright.request.newContext({ extraHTTPHeaders: { authorization: `Bearer ${sandbox.poolApiKey}` } })
  for (const data of [
    { agentName: 'Trip planner', instructions: 'You plan trips to Tokyo.', tools: [{ id: 'email', provisioning: 'pool' }] },
    {
      agentName: 'Texter 🧳 with a name that goes on and on',
      instructions: 'You text.',
      tools: [{ id: 'sms', provisioning: 'user' }],
    },
  ]) {
    expect((await api.post(`${sandbox.poolUrl}/api/templates`, { data: { ...data, visibility: 'public' } })).status()).toBe(201)
  }
  await api.dispose()
})
test.afterAll(async () => {
  await sandbox.interrupt()
  await sandbox.forget()
})

const claimButton = (page: Page) => page.getByRole('button', { name: /^(Claim agent|Wait for)/ })
const invite = (page: Page) => page.getByRole('link', { name: 'Open in Convos' })

for (const [name, options] of Object.entries(LOOKS)) {
  test(`a claim from a template, on ${name}`, async ({ browser }) => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const offences = watch(page)
    await page.goto(`${sandbox.poolUrl}/login`)
    await expect(page.getByRole('textbox', { name: 'API key' })).toBeVisible()
    await look(page, `claim-${name}-0-login`)
    await logIn(page, sandbox)
    await expect(page.getByRole('radio', { name: /^Trip planner/ })).toBeVisible()
    await look(page, `claim-${name}-1-form`)

    await page.getByText('Texter').click()
    await page.getByRole('textbox', { name: 'Telnyx phone' }).fill('12345')
    await page.getByText('Join a conversation').click()
    await page.getByRole('textbox', { name: 'Invite link' }).fill('https://popup.convos.org/v2?i=abc')
    await claimButton(page).click()
    await expect(page.getByRole('textbox', { name: 'Telnyx API key' })).toBeFocused()
    await look(page, `claim-${name}-2-faults`)

    await page.getByRole('textbox', { name: 'Invite link' }).fill('')
    await page.getByText('Trip planner').click()
    await claimButton(page).click()
    await expect(invite(page)).toBeVisible({ timeout: 60_000 })
    await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible()
    await page.getByText('Show gateway details').click()
    await look(page, `claim-${name}-3-result`)

    await page.getByRole('button', { name: 'Claim another' }).click()
    await expect(page.getByRole('link', { name: 'Trip planner' })).toBeVisible()
    await look(page, `claim-${name}-4-another`)
    expect(offences).toEqual([])
    await context.close()
  })
}

test('a claim by the keyboard alone', async ({ page }) => {
  await logIn(page, sandbox)
  const tabTo = async (target: ReturnType<Page['getByRole']>) => {
    for (let presses = 0; presses < 40; presses++) {
      if (await target.evaluate((element) => element === document.activeElement)) return
      await page.keyboard.press('Tab')
    }
    throw new Error('the keyboard does not get there')
  }
  await tabTo(page.getByRole('radio', { name: /^Write your own/ }))
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('radio', { name: /^Texter/ })).toBeChecked()
  await page.keyboard.press('ArrowUp')
  await tabTo(page.getByRole('textbox', { name: 'Agent name' }))
  await page.keyboard.type('Keyed in')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Keyed in is ready' })).toBeFocused({ timeout: 60_000 })
  await tabTo(invite(page))

  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Go to' }).fill('fleet')
  await look(page, 'palette')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('table', { name: 'Instances' })).toBeVisible()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible()
  await look(page, 'help')
  await page.keyboard.press('Escape')
  await page.keyboard.press('g')
  await page.keyboard.press('c')
  await expect(invite(page)).toBeVisible()
})

test('a reload in the middle of a claim, and a double click, are one claim', async ({ page }) => {
  await logIn(page, sandbox)
  const keys: (string | undefined)[] = []
  await page.route('**/api/pool/claim', async (route) => {
    keys.push(route.request().headers()['idempotency-key'])
    // pool has made the claim, and its first answer is lost
    const response = await route.fetch()
    await (keys.length === 1 ? new Promise((resolve) => setTimeout(resolve, 3_000)) : Promise.resolve())
    await route.fulfill({ response }).catch(() => {})
  })
  await page.getByRole('textbox', { name: 'Agent name' }).fill('Only one')
  await claimButton(page).dblclick()
  await expect(page.getByRole('heading', { name: 'Claiming Only one' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Only one is ready' })).toBeVisible({ timeout: 60_000 })
  expect(new Set(keys).size).toBe(1)
  await page.getByRole('link', { name: 'Fleet' }).click()
  await expect(page.getByRole('cell', { name: 'Only one', exact: true })).toHaveCount(1)
})

test('a lost stream is told, and comes back by itself', async ({ page, context }) => {
  await logIn(page, sandbox)
  const pulse = page.getByRole('region', { name: 'Pool now' })
  await expect(pulse).toContainText('live')
  await context.setOffline(true)
  await page.route('**/api/pool/events', (route) => route.abort())
  await page.reload().catch(() => {})
  await context.setOffline(false)
  await page.goto(sandbox.poolUrl)
  await expect(page.getByRole('region', { name: 'Connection' })).toContainText('The pool does not answer', { timeout: 20_000 })
  await look(page, 'offline')
  await page.unroute('**/api/pool/events')
  await expect(pulse).toContainText('live', { timeout: 30_000 })
  await expect(page.getByRole('region', { name: 'Connection' })).toBeHidden()
})

test('the page of a proxy in place of an answer is told as what it is', async ({ page }) => {
  await logIn(page, sandbox)
  await page.route('**/api/pool/claim', (route) =>
    route.fulfill({ status: 403, contentType: 'text/html', body: '<html>Forbidden by the corporate proxy</html>' }),
  )
  await claimButton(page).click()
  await expect(page.getByRole('alert')).toContainText('Something between you and the pool answered in its place.')
  await look(page, 'proxy')
})

test('an instance is killed only after the question was answered', async ({ page }) => {
  await logIn(page, sandbox)
  await page.getByRole('link', { name: 'Pool', exact: true }).click()
  await page
    .getByRole('button', { name: /^Kill / })
    .first()
    .click()
  const dialog = page.getByRole('dialog')
  await look(page, 'kill')
  await dialog.getByRole('button', { name: 'Keep it' }).click()
  await expect(dialog).toBeHidden()
})

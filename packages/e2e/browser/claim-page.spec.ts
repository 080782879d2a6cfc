import { expect } from '@playwright/test'
import { look, LOOKS, watch } from './support/look.ts'
import { claimButton, invite, table, tabTo } from './support/steps.ts'
import { test } from './support/test.ts'

test.beforeAll(async ({ pool }) => {
  await pool.template({
    agentName: 'Trip planner',
    instructions: 'You plan trips to Tokyo.',
    tools: [{ id: 'email', provisioning: 'pool' }],
  })
  await pool.template({
    agentName: 'Texter 🧳 with a name that goes on and on',
    instructions: 'You text.',
    tools: [{ id: 'sms', provisioning: 'user' }],
  })
})

for (const [name, options] of Object.entries(LOOKS)) {
  test(`a claim from a template, on ${name}`, async ({ browser }) => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const offences = watch(page)
    await page.goto('/')
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
  await page.goto('/')
  await tabTo(page.getByRole('radio', { name: /^Write your own/ }))
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('radio', { name: /^Texter/ })).toBeChecked()
  await page.keyboard.press('ArrowUp')
  await tabTo(page.getByRole('textbox', { name: 'Agent name' }))
  await page.keyboard.type('Keyed in')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Keyed in is ready' })).toBeFocused({ timeout: 60_000 })
  await tabTo(invite(page))
})

test('an agent is ended where it was claimed', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('textbox', { name: 'Agent name' }).fill('Not for long')
  await claimButton(page).click()
  await expect(page.getByRole('heading', { name: 'Not for long is ready' })).toBeVisible({ timeout: 60_000 })
  await page.getByRole('button', { name: 'End agent' }).click()
  const dialog = page.getByRole('dialog', { name: 'End Not for long?' })
  await expect(dialog).toBeVisible()
  await look(page, 'claim-end')
  await dialog.getByRole('button', { name: 'End agent' }).click()
  await expect(page.getByRole('heading', { name: 'Claim an agent' })).toBeVisible()
  await page.getByRole('link', { name: 'Not for long' }).click()
  await expect(page.getByRole('alert')).toContainText('This agent has ended since.')
})

test('a reload in the middle of a claim, and a double click, are one claim', async ({ page }) => {
  await page.goto('/')
  const keys: (string | undefined)[] = []
  const lost = Promise.withResolvers<void>()
  await page.route('**/api/pool/claim', async (route) => {
    keys.push(route.request().headers()['idempotency-key'])
    // pool has made the claim, and its first answer is lost
    const response = await route.fetch()
    if (keys.length === 1) await lost.promise
    await route.fulfill({ response }).catch(() => {})
  })
  await page.getByRole('textbox', { name: 'Agent name' }).fill('Only one')
  await claimButton(page).dblclick()
  await expect(page.getByRole('heading', { name: 'Claiming Only one' })).toBeVisible()
  await look(page, 'claim-progress')
  await page.reload()
  lost.resolve()
  await expect(page.getByRole('heading', { name: 'Only one is ready' })).toBeVisible({ timeout: 60_000 })
  expect(new Set(keys).size).toBe(1)
  await page.getByRole('link', { name: 'Fleet' }).click()
  await expect(table(page).getByRole('link', { name: 'Only one' })).toHaveCount(1)
})

test('the page of a proxy in place of an answer is told as what it is', async ({ page }) => {
  await page.goto('/')
  await page.route('**/api/pool/claim', (route) =>
    route.fulfill({ status: 403, contentType: 'text/html', body: '<html>Forbidden by the corporate proxy</html>' }),
  )
  await claimButton(page).click()
  await expect(page.getByRole('alert')).toContainText('Something between you and the pool answered in its place.')
  await look(page, 'proxy')
})

import { expect } from '@playwright/test'
import { look, LOOKS } from './support/look.ts'
import { inWords, pretend, readAll, scrollThrough } from './support/many.ts'
import { isLive, panel, readyIn, table, work } from './support/steps.ts'
import { IDLE, test } from './support/test.ts'

const MANY = 5000

test('an operator filters, looks closely, drains in bulk and sees it through', async ({ page, pool }) => {
  const { instanceId } = await pool.claim('Tokyo guide')
  await page.goto('/instances')
  await expect(readyIn(page)).toHaveCount(IDLE, { timeout: 30_000 })
  await look(page, 'fleet')

  await page.getByRole('button', { name: /^claimed/ }).click()
  await table(page).getByText('Tokyo guide').click()
  await expect(panel(page).getByText('Claimed', { exact: false }).first()).toBeVisible()
  expect(new URL(page.url()).searchParams.get('open')).toBe(instanceId)
  for (const tab of ['Creation', 'Tools', 'Links', 'Logs', 'Debug', 'Timeline']) {
    await page.getByRole('tab', { name: tab }).click()
    if (tab === 'Debug') {
      await page.getByRole('button', { name: 'Probe now' }).click()
      await expect(panel(page).getByText('healthy', { exact: true })).toBeVisible()
    }
    if (tab === 'Tools') await expect(panel(page).getByText(/of \$20\.00 used/)).toBeVisible()
    if (tab === 'Logs') await expect(panel(page).getByRole('log')).toContainText('listening')
    await look(page, `fleet-panel-${tab}`)
  }
  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: /^claimed/ }).click()

  await expect(readyIn(page)).toHaveCount(IDLE)
  const before = await table(page)
    .getByRole('link')
    .evaluateAll((links) => links.slice(0, 2).map((link) => link.getAttribute('data-row')))
  for (const id of before) await page.getByRole('checkbox', { name: `Select ${id}` }).check()
  await page.getByRole('checkbox', { name: 'Select Tokyo guide' }).check()
  await expect(page.getByText('Drain 2 ready, 1 claimed will be skipped')).toBeVisible()
  await page.getByRole('button', { name: 'Drain 2' }).click()
  await expect(page.getByRole('dialog', { name: 'Drain 2 instances?' })).toBeVisible()
  await look(page, 'fleet-drain')
  await page.getByRole('button', { name: 'Drain 2 instances' }).click()
  await expect(work(page)).toContainText('done, 2 of 2', { timeout: 30_000 })
  for (const id of before) await expect(page.locator(`[data-row="${id}"]`)).toHaveCount(0, { timeout: 30_000 })
})

test('the keyboard alone does it', async ({ page }) => {
  await page.goto('/instances?sort=agentName&order=asc')
  await expect(readyIn(page).first()).toBeVisible()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  const second = await table(page).getByRole('link').nth(1).getAttribute('data-row')
  await expect(page.locator(`[data-row="${second}"]`)).toBeFocused()
  await page.keyboard.press('x')
  await expect(page.getByRole('region', { name: 'Selection' })).toContainText('1 selected')
  await page.keyboard.press('Enter')
  await expect(panel(page)).toBeVisible()
  expect(new URL(page.url()).searchParams.get('open')).toBe(second)
  await page.keyboard.press('k')
  await expect.poll(() => new URL(page.url()).searchParams.get('open')).not.toBe(second)
  await page.keyboard.press('Escape')
  await expect(panel(page)).toBeHidden()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('region', { name: 'Selection' })).toBeHidden()
  await page.keyboard.press('/')
  await expect(page.getByRole('searchbox', { name: 'Search instances' })).toBeFocused()
})

test('what another client does is on screen within a second', async ({ page, pool }) => {
  const { instanceId } = await pool.claim('Lisbon guide')
  await page.goto(`/instances?open=${instanceId}`)
  await expect(panel(page).getByText('Claimed', { exact: false }).first()).toBeVisible()
  await isLive(page)
  await pool.protect(instanceId)
  const answered = Date.now()
  await expect(panel(page).locator('.row-flag')).toBeVisible({ timeout: 1000 })
  await expect(panel(page).getByText('Protected by', { exact: false })).toBeVisible({ timeout: 1000 })
  test.info().annotations.push({ type: 'on screen after', description: `${Date.now() - answered} ms` })
  await page.getByRole('button', { name: 'Kill' }).hover()
  await expect(panel(page).getByText('it is protected').first()).toBeVisible()
})

for (const [name, options] of Object.entries(LOOKS))
  test(`page, panel, menus and dialogs are sound: ${name}`, async ({ browser, pool }) => {
    const { instanceId } = await pool.claim('🦊 مساعد الرحلات with a name that fits nowhere at all, really not')
    const page = await (await browser.newContext(options)).newPage()
    await page.goto('/instances')
    await expect(readyIn(page).first()).toBeVisible()
    await page
      .getByRole('checkbox', { name: /^Select 🦊/ })
      .first()
      .check()
    await look(page, `fleet-${name}`)
    await page.getByRole('button', { name: 'Kill 1' }).click()
    await look(page, `fleet-${name}-confirm`)
    await page.goto('/instances?q=nobody-is-called-that')
    await expect(page.getByText('No instance passes the filter.')).toBeVisible()
    await look(page, `fleet-${name}-none`)
    if (name === 'desktop') {
      await page.getByRole('button', { name: 'Columns' }).click()
      await expect(page.getByRole('button', { name: 'As at first' })).toBeVisible()
      await look(page, 'fleet-columns')
    }

    await page.goto(`/instances?open=${instanceId}`)
    await expect(panel(page).getByText('Claimed', { exact: false }).first()).toBeVisible()
    await look(page, `fleet-${name}-panel`)
    const more = page.getByRole('button', { name: 'More actions' })
    await more.click()
    await look(page, `fleet-${name}-menu`)
    await page.keyboard.press('Escape')
    for (const [item, title] of [
      ['Protect', /^Protect/],
      ['Set its end', /^When does/],
    ] as const) {
      await more.click()
      await page.getByRole('menuitem', { name: item }).click()
      await expect(page.getByRole('dialog', { name: title })).toBeVisible()
      await look(page, `fleet-${name}-${item}`)
      await page.getByRole('button', { name: 'Cancel' }).click()
    }
    await page.getByRole('button', { name: 'Clone' }).click()
    await expect(page.getByRole('dialog', { name: /^Clone/ })).toBeVisible()
    await look(page, `fleet-${name}-clone`)
    await page.context().close()
  })

test('five thousand instances scroll with little work a frame', async ({ page, pool }) => {
  const [one] = await pool.ready()
  if (!one) throw new Error('nothing is ready')
  await pretend(page, one, MANY)
  await page.goto('/instances')
  await readAll(page, MANY)
  const seen = await scrollThrough(page)
  console.log(inWords(seen))
  expect(seen.most).toBeLessThan(80)
  expect(seen.perFrame).toBeLessThan(30)
})

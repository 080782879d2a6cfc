import { readFile } from 'node:fs/promises'
import { expect, type Page, test } from '@playwright/test'
import pg from 'pg'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { look, LOOKS, watch } from './support/look.ts'
import { logIn } from './support/steps.ts'

const MANY = 3000
let sandbox: RunningSandbox

test.describe.configure({ timeout: 120_000 })
test.beforeAll(async () => {
  test.setTimeout(120_000)
  sandbox = await startSandbox({ idle: 2, instances: 'virtual' })
})
test.afterAll(async () => {
  await sandbox.interrupt()
  await sandbox.forget()
})

const asked = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(sandbox.poolUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${sandbox.poolApiKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const lines = (page: Page) => page.locator('[data-line]')
const line = (page: Page, what: string | RegExp) => lines(page).filter({ hasText: what }).first()

async function withDatabase<T>(use: (db: pg.Client) => Promise<T>): Promise<T> {
  const db = new pg.Client({ connectionString: sandbox.databases.pool })
  await db.connect()
  try {
    return await use(db)
  } finally {
    await db.end()
  }
}

async function openActivity(page: Page, query = ''): Promise<void> {
  await logIn(page, sandbox)
  await page.goto(`${sandbox.poolUrl}/activity${query}`)
  await expect(lines(page).first()).toBeVisible()
}

test('an operator finds a claim in the log, and goes from there to its instance', async ({ page }) => {
  const offences = watch(page)
  const claim = await asked(
    '/api/pool/claim',
    { agentName: 'Tokyo guide', waitMs: 30_000 },
    { 'x-request-id': 'request-of-tokyo' },
  )
  const { instanceId } = (await claim.json()) as { instanceId: string }
  await openActivity(page)
  await page.getByRole('button', { name: 'Claims', exact: true }).click()
  await line(page, 'Claimed').click()
  const details = page.locator('.log-details')
  await expect(details).toContainText('request-of-tokyo')
  await details.getByRole('button', { name: 'Only this request' }).click()
  await expect(page).toHaveURL(/request=request-of-tokyo/)
  await expect(line(page, 'Configured for its claim')).toBeVisible()
  await page.locator('.log-instance').getByRole('link', { name: 'Tokyo guide' }).first().click()
  await expect(page).toHaveURL(new RegExp(`/instances\\?open=${instanceId}`))
  await expect(page.locator('.side-panel')).toContainText('Tokyo guide')
  expect(offences).toEqual([])
})

test('what happens is in the log within a second; what is read does not move away', async ({ page }) => {
  await withDatabase((db) =>
    db.query(
      `insert into instance_events (type, actor, reason) select 'ready', 'filler', 'it is ' || n from generate_series(1, 200) n`,
    ),
  )
  await openActivity(page)
  await expect(page.getByText(/live/)).toBeVisible()
  const change = (maxTotal: number) =>
    fetch(`${sandbox.poolUrl}/api/pool/settings`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${sandbox.poolApiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ maxTotal }),
    })
  await change(501)
  await expect(line(page, 'Settings changed: cap 501')).toBeVisible({ timeout: 1500 })

  const scroller = page.getByRole('region', { name: 'Events, scrollable' })
  await scroller.evaluate((element) => element.scrollTo(0, 1000))
  const read = lines(page).filter({ hasText: 'it is' }).nth(12)
  const before = await read.boundingBox()
  const id = await read.getAttribute('data-line')
  await change(502)
  await expect(page.getByRole('button', { name: /^\d+ new$/ })).toBeVisible()
  expect((await page.locator(`[data-line="${id}"]`).boundingBox())?.y).toBe(before?.y)
  await page.getByRole('button', { name: /^\d+ new$/ }).click()
  await expect(line(page, 'Settings changed: cap 502')).toBeVisible()
})

test('the whole log can be scrolled through, few lines exist at a time, and all of it is exported', async ({ page }) => {
  await withDatabase((db) =>
    db.query(
      `insert into instance_events (type, actor, reason) select 'ready', 'scroller', '=line ' || n from generate_series(1, ${MANY}) n`,
    ),
  )
  await openActivity(page, '?actor=scroller')
  const scroller = page.getByRole('region', { name: 'Events, scrollable' })
  await expect
    .poll(
      async () => {
        await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight))
        return page.locator('.log-count').textContent()
      },
      { timeout: 60_000, intervals: [50] },
    )
    .toBe(`${MANY.toLocaleString('en-US')} shown`)
  await expect(page.getByText('The log begins here')).toBeVisible()
  expect(await lines(page).count()).toBeLessThan(80)

  await page.getByRole('button', { name: 'Export…' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  const file = await download
  expect(file.suggestedFilename()).toMatch(/^activity-dev-\d{8}T\d{6}-\d{8}T\d{6}\.csv$/)
  const rows = (await readFile(await file.path(), 'utf8')).trimEnd().split('\r\n')
  expect(rows.length).toBe(MANY + 1)
  expect(rows[1]).toContain(`"'=line 1"`)
  await expect(page.getByRole('status').filter({ hasText: '3,000 events saved' })).toBeVisible()
})

test('the keyboard walks the log', async ({ page }) => {
  await openActivity(page)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await expect(lines(page).nth(1)).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.locator('.log-details')).toBeVisible()
})

for (const [name, { colorScheme, viewport }] of Object.entries(LOOKS))
  test(`it is sound: ${name}`, async ({ page }) => {
    if (viewport) await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme: colorScheme ?? null })
    await openActivity(page)
    await look(page, `activity-${name}`)
    await lines(page).first().click()
    await look(page, `activity-${name}-open`)
    await page.getByRole('button', { name: 'Narrow…' }).click()
    await page.getByRole('combobox', { name: 'Who' }).selectOption({ label: "the pool's own key" })
    await look(page, `activity-${name}-narrow`)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Types/ }).click()
    await look(page, `activity-${name}-types`)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Export…' }).click()
    await expect(page.getByRole('dialog')).toBeVisible()
    await look(page, `activity-${name}-export`)
    await page.goto(`${sandbox.poolUrl}/activity?request=no-such-request`)
    await expect(page.getByText('No event passes the filter.')).toBeVisible()
    await look(page, `activity-${name}-none`)
  })

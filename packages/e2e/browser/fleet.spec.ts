import type { Instance } from '@convos/pool/contract'
import { expect, type Page, test } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { logIn, look, LOOKS } from './look.ts'

const MANY = 5000
let sandbox: RunningSandbox

// a trace films every frame, which is what one test here measures
test.use({ trace: 'off' })

test.beforeAll(async () => {
  test.setTimeout(120_000)
  sandbox = await startSandbox({ idle: 6, instances: 'virtual' })
})
test.afterAll(async () => {
  await sandbox.interrupt()
  await sandbox.forget()
})

test.beforeEach(({ page }) => logIn(page, sandbox))

const table = (page: Page) => page.getByRole('table', { name: 'Instances' })
const panel = (page: Page) => page.locator('.side-panel')

async function pool(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(sandbox.poolUrl + path, {
    method,
    headers: { authorization: `Bearer ${sandbox.poolApiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return response.json()
}
const claim = async (agentName: string) =>
  (await pool('POST', '/api/pool/claim', { agentName, waitMs: 30_000 })) as { instanceId: string }
const readyIn = (page: Page) => table(page).getByText('ready', { exact: true })

test('an operator filters, looks closely, drains in bulk and sees it through', async ({ page }) => {
  const { instanceId } = await claim('Tokyo guide')
  await page.goto(`${sandbox.poolUrl}/instances`)
  await expect(readyIn(page)).toHaveCount(6, { timeout: 30_000 })
  await look(page, 'fleet')

  await page.getByRole('button', { name: /^claimed/ }).click()
  await expect(table(page).getByRole('link')).toHaveCount(1)
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

  await expect(readyIn(page)).toHaveCount(6)
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
  await expect(page.getByRole('region', { name: 'Operations' })).toContainText('done, 2 of 2', { timeout: 30_000 })
  for (const id of before) await expect(page.locator(`[data-row="${id}"]`)).toHaveCount(0, { timeout: 30_000 })
})

test('the keyboard alone does it', async ({ page }) => {
  await page.goto(`${sandbox.poolUrl}/instances?sort=agentName&order=asc`)
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

test('what another client does is on screen within a second', async ({ page }) => {
  const { instanceId } = await claim('Lisbon guide')
  await page.goto(`${sandbox.poolUrl}/instances?open=${instanceId}`)
  await expect(panel(page).getByText('Claimed', { exact: false }).first()).toBeVisible()
  await expect(page.getByText(/live/)).toBeVisible()
  await pool('PATCH', `/api/pool/instances/${instanceId}`, { protected: true })
  const answered = Date.now()
  await expect(panel(page).locator('.row-flag')).toBeVisible({ timeout: 1000 })
  await expect(panel(page).getByText('Protected by', { exact: false })).toBeVisible({ timeout: 1000 })
  test.info().annotations.push({ type: 'on screen after', description: `${Date.now() - answered} ms` })
  await page.getByRole('button', { name: 'Kill' }).hover()
  await expect(panel(page).getByText('it is protected').first()).toBeVisible()
})

for (const [name, { colorScheme, viewport }] of Object.entries(LOOKS))
  test(`page, panel, menu and dialogs are sound: ${name}`, async ({ page }) => {
    const { instanceId } = await claim('🦊 مساعد الرحلات with a name that fits nowhere at all, really not')
    if (viewport) await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme: colorScheme ?? null })
    await page.goto(`${sandbox.poolUrl}/instances`)
    await expect(readyIn(page).first()).toBeVisible()
    await page
      .getByRole('checkbox', { name: /^Select 🦊/ })
      .first()
      .check()
    await look(page, `fleet-${name}`)
    await page.getByRole('button', { name: 'Kill 1' }).click()
    await look(page, `fleet-${name}-confirm`)
    await page.goto(`${sandbox.poolUrl}/instances?open=${instanceId}`)
    await expect(panel(page).getByText('Claimed', { exact: false }).first()).toBeVisible()
    await look(page, `fleet-${name}-panel`)
    for (const [item, title] of [
      ['Protect', /^Protect/],
      ['Set its end', /^When does/],
    ] as const) {
      await page.getByRole('button', { name: 'More actions' }).click()
      await page.getByRole('menuitem', { name: item }).click()
      await expect(page.getByRole('dialog', { name: title })).toBeVisible()
      await look(page, `fleet-${name}-${item}`)
      await page.getByRole('button', { name: 'Cancel' }).click()
    }
  })

/** How much processor time the page's thread has had, ms. */
async function cpuOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN)
  }
}

test('five thousand instances scroll with little work a frame', async ({ page }) => {
  const { instances } = (await pool('GET', '/api/pool/instances?limit=1&status=ready')) as { instances: Instance[] }
  const [one] = instances
  if (!one) throw new Error('nothing is ready')
  const all = Array.from({ length: MANY }, (_, index) => ({
    ...one,
    id: index.toString(36).padStart(12, '0'),
    agentName: index % 3 === 0 ? `agent ${index}` : null,
    createdAt: new Date(Date.now() - index * 60_000).toISOString(),
  }))
  await page.route('**/api/pool/instances?*', (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0)
    const next = from + 200 < MANY ? String(from + 200) : null
    return route.fulfill({ json: { instances: all.slice(from, from + 200), nextCursor: next } })
  })
  await page.goto(`${sandbox.poolUrl}/instances`)
  await expect(page.getByText('200+ shown')).toBeVisible()
  const scroller = page.getByRole('region', { name: 'Instances, scrollable' })
  // all pages in, as somebody who scrolls to the end has them
  await expect
    .poll(
      async () => {
        await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight))
        return page.locator('.fleet-count').textContent()
      },
      { timeout: 60_000, intervals: [50] },
    )
    .toBe(`${MANY.toLocaleString('en-US')} shown`)
  const cpu = await cpuOf(page)
  const before = await cpu()
  const seen = await scroller.evaluate(async (element) => {
    const STEP = 400
    const tasks: number[] = []
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
    observer.observe({ type: 'longtask' })
    const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve))
    element.scrollTo(0, 0)
    const frames: number[] = []
    let last = await frame()
    let most = 0
    for (let top = 0; top < 150 * STEP; top += STEP) {
      element.scrollTo(0, top)
      const now = await frame()
      frames.push(now - last)
      last = now
      most = Math.max(most, element.querySelectorAll('tbody tr').length)
    }
    observer.disconnect()
    return { tasks, most, frames: frames.toSorted((a, b) => a - b) }
  })
  const perFrame = ((await cpu()) - before) / seen.frames.length
  const p95 = seen.frames[Math.floor(seen.frames.length * 0.95)] ?? 0
  const figures = `${seen.frames.length} frames, ${perFrame.toFixed(1)} ms of work each, p95 ${p95.toFixed(0)} ms, ${seen.tasks.length} long tasks of ${Math.max(0, ...seen.tasks)} ms at most, ${seen.most} rows at most`
  test.info().annotations.push({ type: 'scrolling', description: figures })
  console.log(figures)
  expect(seen.most).toBeLessThan(80)
  // the page's own work: how long that takes is for the machine and whoever else is on it
  expect(perFrame).toBeLessThan(30)
})

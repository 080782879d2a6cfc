import { expect } from '@playwright/test'
import pg from 'pg'
import type { RunningSandbox } from '@convos/sandbox/testing'
import { look, LOOKS, watch } from './support/look.ts'
import { cells, openPool, pulse, tabTo, work } from './support/steps.ts'
import { IDLE, test } from './support/test.ts'

/** The pool looks at everything every 30 s. */
const TICK = { timeout: 75_000 }

test.describe.configure({ timeout: 180_000 })

const asJson = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
/** Pushes another image under the tag that is configured, and has services look. */
async function pushImage(sandbox: RunningSandbox, seed: string): Promise<void> {
  const control = (path: string, init: RequestInit = {}) => fetch(`${sandbox.controlUrl}/_control${path}`, init)
  const { ghcr } = (await (await control('/resources')).json()) as { ghcr: { tags: { name: string; tag: string }[] } }
  const [configured] = ghcr.tags
  if (!configured) throw new Error('no tag was ever looked up')
  await control('/ghcr/tags', asJson({ image: configured.name, tag: configured.tag, seed }))
  const headers = { authorization: `Bearer ${sandbox.servicesApiKey}`, 'x-environment': 'dev' }
  expect((await fetch(`${sandbox.servicesUrl}/image/resolve`, asJson({}, headers))).ok).toBe(true)
}

test('an operator adds instances, and each moves through the rack', async ({ page }) => {
  const offences = watch(page)
  await openPool(page)
  // what another test has taken may still be on its way
  await expect(cells(page, 'ready')).toHaveCount(IDLE, TICK)
  await page.getByRole('button', { name: 'Replenish' }).dblclick()
  await expect(work(page)).toContainText('Replenish by 1 instance')
  await expect(cells(page, 'ready')).toHaveCount(IDLE + 1, { timeout: 30_000 })
  await expect(work(page)).toContainText('done, 1 of 1')
  await work(page).getByRole('button', { name: 'Clear finished' }).click()
  await expect(work(page)).toHaveCount(0)
  expect(offences).toEqual([])
})

test('the keyboard walks the rack and opens an instance', async ({ page }) => {
  await openPool(page)
  const rack = page.getByRole('listbox')
  await rack.focus()
  await page.keyboard.press('End')
  const id = (await rack.getAttribute('aria-activedescendant'))?.replace('cell-', '') ?? ''
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/instances\\?.*open=${id}`))
  await expect(page.getByRole('dialog')).toContainText(id)
})

test('a drain takes the instances that it showed, and no others', async ({ page }) => {
  await openPool(page)
  await page.getByRole('button', { name: 'Drain…' }).click()
  const drain = page.getByRole('region', { name: 'Drain' })
  const id = await drain.getByRole('list', { name: 'Would go' }).locator('code').innerText()
  await expect(page.locator('[data-mark=drain]')).toHaveAttribute('data-id', id)
  await look(page, 'pool-drain')
  await drain.getByRole('button', { name: 'Drain 1 instance' }).click()
  await look(page, 'pool-drain-asked')
  await page.getByRole('dialog').getByRole('button', { name: 'Drain 1 instance' }).click()
  await expect(work(page)).toContainText('done, 1 of 1', { timeout: 60_000 })
  await expect(page.locator(`[data-id="${id}"]`)).toHaveCount(0)
})

test('a drain by the keyboard alone', async ({ page }) => {
  await openPool(page)
  const press = async (name: string) => {
    await tabTo(page.getByRole('button', { name }))
    await page.keyboard.press('Enter')
  }
  await press('Drain…')
  const drain = page.getByRole('region', { name: 'Drain' })
  const id = await drain.getByRole('list', { name: 'Would go' }).locator('code').innerText()
  await press('Drain 1 instance')
  const dialog = page.getByRole('dialog')
  await tabTo(dialog.getByRole('button', { name: 'Drain 1 instance' }))
  await page.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(page.locator(`[data-id="${id}"]`)).toHaveCount(0, { timeout: 60_000 })
})

test('two operators drain the same instance at once: it goes once, and the second is told', async ({ page, browser }) => {
  const other = await (await browser.newContext()).newPage()
  const pages = [page, other]
  for (const one of pages) {
    await openPool(one)
    await one.getByRole('button', { name: 'Drain…' }).click()
    await one.getByRole('region', { name: 'Drain' }).getByRole('button', { name: 'Drain 1 instance' }).click()
  }
  const asked = pages.map((one) => one.getByRole('dialog').getByRole('button', { name: 'Drain 1 instance' }).click())
  await Promise.all(asked)
  for (const one of pages) {
    await expect(work(one)).toContainText('done, 1 of 1', { timeout: 60_000 })
    await expect(work(one)).toContainText('failed, 0 of 1')
    // on its way, drained by the other one, or gone already
    await expect(work(one)).toContainText(/left alone|can be drained|no such instance/)
  }
  await other.context().close()
})

test('a pause stands in a banner, a replenish is refused in words, and both end with it', async ({ page, browser }) => {
  const other = await (await browser.newContext()).newPage()
  await openPool(page)
  await openPool(other)
  await page.getByRole('button', { name: 'Pause' }).click()
  await look(page, 'pool-pause')
  await page.getByRole('button', { name: 'Pause the refill' }).click()
  await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible()
  await expect(other.getByRole('button', { name: 'Resume' })).toBeVisible()
  await page.getByRole('button', { name: 'Replenish' }).click()
  await expect(page.getByRole('alert')).toContainText('The refill is paused.')
  await look(page, 'pool-paused')
  await other.getByRole('button', { name: 'Resume' }).click()
  await expect(page.getByRole('button', { name: 'Resume' })).toHaveCount(0)
  await other.context().close()
})

test('another target is filled up to', async ({ page }) => {
  await openPool(page)
  const target = page.getByRole('group', { name: 'Target' })
  await target.getByRole('button', { name: 'One more' }).click()
  await target.getByRole('button', { name: 'One more' }).click()
  await page.getByRole('button', { name: `Set to ${IDLE + 2}` }).click()
  await expect(pulse(page)).toContainText(`of ${IDLE + 2}`)
  await expect.poll(() => cells(page, 'ready').count(), TICK).toBeGreaterThanOrEqual(IDLE + 2)
})

test('an image is rolled out cell by cell, and the roll-out can be stopped', async ({ page, sandbox }) => {
  await openPool(page)
  await pushImage(sandbox, 'the next one')
  const images = page.getByRole('region', { name: 'Images' })
  const roll = images.getByRole('button', { name: 'Roll out image' })
  await expect(images.locator('.from-to')).toContainText('→', TICK)
  await roll.click()
  await look(page, 'pool-rollout-asked')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Replace/ })
    .click()
  const underWay = images.getByRole('group', { name: 'Roll-out' })
  await expect(underWay).toContainText('0 of')
  await expect(page.locator('[data-mark=replace]').first()).toBeVisible()
  await expect(underWay).toContainText(/[1-9] of/, TICK)
  await underWay.getByRole('button', { name: 'Stop roll-out' }).click()
  await expect(underWay).toHaveCount(0)
  await expect(work(page)).toContainText('stopped')
  // a look takes as long as several replacements do
  await look(page, 'pool-rollout-stopped')
})

/** As three failed creations leave it: the way there takes services' own retries, and longer than a test should. */
async function openBreaker(sandbox: RunningSandbox): Promise<void> {
  const db = new pg.Client({ connectionString: sandbox.databases.pool })
  await db.connect()
  await db.query(`
    update images set failures = 3, failed_at = clock_now(), openings = 1, opened_at = clock_now(),
      retry_at = clock_now() + interval '5 min'`)
  await db.end()
}

test('an open breaker is told with its next attempt, and an operator resets it', async ({ page, sandbox }) => {
  // whatever is on its way would close it by becoming ready
  await openPool(page)
  await expect(cells(page, 'starting')).toHaveCount(0, TICK)
  await openBreaker(sandbox)
  await page.reload()
  const images = page.getByRole('region', { name: 'Images' })
  await expect(images).toContainText('breaker open: 3 creations failed in a row, next attempt in')
  await page.getByRole('button', { name: 'Replenish' }).click()
  await expect(page.getByRole('alert')).toContainText('Creation keeps failing.')
  await look(page, 'pool-breaker')
  const reset = images.getByRole('button', { name: /^Reset the breaker/ })
  const open = await reset.count()
  await reset.first().click()
  await expect(reset).toHaveCount(open - 1)
})

for (const [name, options] of Object.entries(LOOKS)) {
  test(`it looks right: ${name}`, async ({ browser }) => {
    const page = await (await browser.newContext(options)).newPage()
    const offences = watch(page)
    await openPool(page)
    await look(page, `pool-${name}`)
    await page.getByText('Show as a table').click()
    await expect(page.getByRole('table', { name: 'History' })).toBeVisible()
    await look(page, `pool-${name}-table`)
    expect(offences).toEqual([])
    await page.context().close()
  })
}

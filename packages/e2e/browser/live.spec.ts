import { expect } from '@playwright/test'
import { look } from './support/look.ts'
import { cells, isLive, openPool, pulse, readyIn, table } from './support/steps.ts'
import { IDLE, test } from './support/test.ts'

/** What another client does is on every screen within this. */
const AT_ONCE = { timeout: 1_000 }
const CUT_MS = 30_000

test('what another client does is on every page within a second', async ({ context, pool }) => {
  const [claim, fleet, rack] = [await context.newPage(), await context.newPage(), await context.newPage()]
  await claim.goto('/')
  await fleet.goto('/instances')
  await openPool(rack)
  for (const page of [claim, fleet, rack]) await isLive(page)
  const [one] = await pool.ready()
  if (!one) throw new Error('nothing is ready')
  await expect(fleet.locator(`[data-row="${one.id}"]`)).toBeVisible()

  await pool.protect(one.id)
  const flag = fleet.locator(`[data-row="${one.id}"] .row-flag`)
  await expect(flag).toBeVisible(AT_ONCE)
  await pool.protect(one.id, false)
  await expect(flag).toHaveCount(0, AT_ONCE)

  const { target } = (await pool.ask('GET', '/api/pool/status')) as { target: number }
  await pool.settings({ minIdle: target + 1 })
  await expect(rack.getByRole('textbox', { name: 'Target' })).toHaveValue(String(target + 1), AT_ONCE)
  await expect(pulse(claim)).toContainText(`of ${target + 1}`, AT_ONCE)
  await pool.settings({ minIdle: target })
  await expect(pulse(claim)).toContainText(`of ${target}`)

  const { instanceId } = await pool.claim('Faro guide')
  await expect(table(fleet).getByText('Faro guide')).toBeVisible(AT_ONCE)
  await expect(cells(rack, 'claimed').and(rack.locator(`[data-id="${instanceId}"]`))).toBeVisible(AT_ONCE)
})

test('a network that is cut for half a minute is told, and nothing of it is missed', async ({ page, context, pool }) => {
  await page.goto('/instances')
  await isLive(page)
  await expect(readyIn(page).first()).toBeVisible()
  const [one] = (await pool.ready()).filter((instance) => !instance.protected)
  if (!one) throw new Error('nothing is ready')
  await context.setOffline(true)
  const over = Date.now() + CUT_MS
  await expect(pulse(page)).toContainText(/reconnecting|offline/, { timeout: 25_000 })
  const banner = page.getByRole('region', { name: 'Connection' })
  await expect(banner).toContainText('The pool does not answer', { timeout: 20_000 })
  await expect(banner).toContainText(/What you see is from .*Trying again/)
  await look(page, 'offline')

  await pool.protect(one.id)
  await pool.claim('Claimed meanwhile')
  await expect(page.locator(`[data-row="${one.id}"]`)).toBeVisible()
  await page.waitForTimeout(Math.max(0, over - Date.now()))
  await expect(page.locator(`[data-row="${one.id}"] .row-flag`)).toHaveCount(0)

  await context.setOffline(false)
  await isLive(page)
  await expect(banner).toBeHidden()
  await expect(page.locator(`[data-row="${one.id}"] .row-flag`)).toBeVisible()
  await expect(table(page).getByText('Claimed meanwhile')).toBeVisible()
  await pool.protect(one.id, false)
})

test('a pool that restarts is told, the rack stays, and what was begun meanwhile shows', async ({ page, pool, sandbox }) => {
  test.setTimeout(180_000)
  await openPool(page)
  await isLive(page)
  const { instanceId } = await pool.claim('Claimed before the restart')
  const cell = page.locator(`[data-id="${instanceId}"]`)
  await expect(cell).toBeVisible()
  const before = (await sandbox.processesNow()).pool
  // without a word, as a machine dies
  process.kill(before, 'SIGKILL')
  await expect(pulse(page)).toContainText(/reconnecting|offline/, { timeout: 10_000 })
  await expect(cell).toBeVisible()
  await look(page, 'pool-restarting')
  await expect.poll(async () => (await sandbox.processesNow()).pool, { timeout: 30_000 }).not.toBe(before)
  await expect
    .poll(
      () =>
        pool.ask('DELETE', `/api/pool/instances/${instanceId}`).then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true)
  await isLive(page)
  // it goes, and its place is filled, once another has taken the lease of the one that died
  await expect(cells(page, 'claimed').and(cell)).toHaveCount(0)
  await expect(cells(page, 'ready')).toHaveCount(IDLE, { timeout: 75_000 })
})

import { cleanup, screen, waitFor, within } from '@testing-library/react'
import type userEvent from '@testing-library/user-event'
import { describe, expect, test } from 'vitest'
import { anInstance, anOperation, aProblem, aSession, aStatus } from './support/data.ts'
import { fakePool, heldAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'
import { aQuietHour, aTick, anImage, settings } from './support/supply.ts'

const STATUS = 'GET /api/pool/status'
const SETTINGS = 'GET /api/pool/settings'
const CHANGE = 'PATCH /api/pool/settings'
const DRAIN = 'POST /api/pool/drain'
const REPLENISH = 'POST /api/pool/replenish'
const OPERATIONS = 'GET /api/pool/operations'
const OPERATION = 'GET /api/pool/operations/op_1'
const IMAGES = 'GET /api/pool/images'

type User = ReturnType<typeof userEvent.setup>

const ready = (...ids: string[]) =>
  ids.map((id, i) => anInstance({ id, createdAt: new Date(Date.UTC(2030, 0, 1, 0, i)).toISOString() }))
const region = async (name: string) => within(await screen.findByRole('region', { name }))
const cell = (id: string) => screen.findByRole('option', { name: new RegExp(id) })
const bodies = (asked: { body: unknown }[]) => asked.map(({ body }) => body)

describe('the rack', () => {
  test('an instance that lives on stays the same cell, in another column', async () => {
    const pool = fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ id: 'aaa', status: 'starting' })]) }) })
    open('/pool')
    const before = await cell('aaa')
    const place = before.style.transform
    await screen.findByText('live', { exact: false })
    pool.tell({ event: 'instance', data: anInstance({ id: 'aaa' }) })
    await waitFor(() => expect(before.style.transform).not.toBe(place))
    expect(await screen.findByRole('option', { name: /aaa, ready/ })).toBe(before)
    pool.tell({ event: 'instance', data: { id: 'aaa', deleted: true } })
    await screen.findByText('The pool is empty.')
  })

  test('it is one stop for the keyboard: arrows go from cell to cell, Enter opens the instance', async () => {
    fakePool({ [STATUS]: () => ({ body: aStatus([...ready('aaa', 'bbb'), anInstance({ id: 'ccc', status: 'crashed' })]) }) })
    const { user } = open('/pool')
    const rack = await screen.findByRole('listbox', { name: '3 instances' })
    expect(
      within(rack)
        .getAllByRole('option')
        .some((option) => option.hasAttribute('tabindex')),
    ).toBe(false)
    rack.focus()
    await user.keyboard('{ArrowRight}{ArrowRight}')
    const active = document.getElementById(rack.getAttribute('aria-activedescendant') ?? '')
    expect(active?.getAttribute('aria-label')).toContain('ccc, crashed')
    expect(document.querySelector('.rack-tip')?.textContent).toContain('crashed ccc')
    await user.keyboard('{Enter}')
    expect(window.location.pathname + window.location.search).toBe('/instances?open=ccc')
  })

  test('a press on a cell opens its instance, and a head leads to its status', async () => {
    fakePool({ [STATUS]: () => ({ body: aStatus(ready('aaa')) }) })
    const { user } = open('/pool')
    const heads = within(await screen.findByRole('list', { name: 'Instances by status' }))
    expect(heads.getByRole('link', { name: 'ready 1' }).getAttribute('href')).toBe('/instances?status=ready')
    await user.click(await cell('aaa'))
    expect(window.location.search).toBe('?open=aaa')
  })

  test('thousands are drawn, and gone through by keyboard and pointer as a few are', async () => {
    const many = Array.from({ length: 1_200 }, (_, i) => anInstance({ id: `i${String(i).padStart(4, '0')}` }))
    fakePool({ [STATUS]: () => ({ body: aStatus(many) }) })
    const { user } = open('/pool')
    const rack = await screen.findByRole('listbox', { name: '1,200 instances' })
    expect(rack.querySelectorAll('.rack-drawing path')).toHaveLength(1)
    expect(within(rack).getAllByRole('option')).toHaveLength(1)
    rack.focus()
    await user.keyboard('{End}')
    const active = within(rack).getByRole('option', { selected: true })
    expect(active.id).toBe(rack.getAttribute('aria-activedescendant'))
    expect(active.getAttribute('aria-label')).toContain('i1199, ready')
    expect([active.getAttribute('aria-posinset'), active.getAttribute('aria-setsize')]).toEqual(['1200', '1200'])
    const { transform } = active.style
    await user.keyboard('{Home}')
    const [x = 0, y = 0] = /translate\((\d+)px, (\d+)px\)/.exec(transform)?.slice(1).map(Number) ?? []
    await user.pointer({ keys: '[MouseLeft]', target: rack, coords: { clientX: x, clientY: y } })
    expect(window.location.search).toBe('?open=i1199')
  })

  test('more than can be drawn are a bar, with their figures and a way to the fleet', async () => {
    const counts = { provisioning: 10, idle: 3_000, claimed: 4_000, crashed: 0, stuck: 0 }
    const byStatus = { starting: 10, ready: 3_000, claiming: 1, pending: 2, claimed: 3_997 }
    fakePool({ [STATUS]: () => ({ body: { ...aStatus(ready('aaa')), counts, byStatus, truncated: true } }) })
    open('/pool')
    await screen.findByText('There are too many to draw each.', { exact: false })
    expect(screen.getByRole('link', { name: 'claimed 3,997' })).toBeTruthy()
    expect(screen.getByRole('link', { name: 'pending 2' })).toBeTruthy()
    expect(screen.queryByRole('listbox')).toBeNull()
  })

  test('more than the status tells are read page by page', async () => {
    const counts = { provisioning: 0, idle: 2, claimed: 1_500, crashed: 0, stuck: 0 }
    fakePool({
      [STATUS]: () => ({ body: { ...aStatus(ready('aaa')), counts, truncated: true } }),
      'GET /api/pool/instances?order=asc&limit=200': () => ({ body: { instances: ready('aaa', 'bbb'), nextCursor: 'next' } }),
      'GET /api/pool/instances?order=asc&limit=200&cursor=next': () => ({
        body: { instances: ready('bbb', 'ccc'), nextCursor: null },
      }),
    })
    open('/pool')
    await screen.findByRole('listbox', { name: '3 instances' })
  })
})

describe('the target', () => {
  test('is set once it is asked for, not with each step', async () => {
    const pool = fakePool({
      [STATUS]: () => ({ body: aStatus(ready('aaa')) }),
      [CHANGE]: () => ({ body: settings({ minIdle: 5 }) }),
    })
    const { user } = open('/pool')
    const target = within(await screen.findByRole('group', { name: 'Target' }))
    await user.click(target.getByRole('button', { name: 'One more' }))
    await user.click(target.getByRole('button', { name: 'One more' }))
    expect(pool.asked(CHANGE)).toEqual([])
    pool.on(STATUS, () => ({ body: aStatus(ready('aaa'), 5) }))
    await user.click(screen.getByRole('button', { name: 'Set to 5' }))
    await waitFor(() => expect(bodies(pool.asked(CHANGE))).toEqual([{ minIdle: 5 }]))
    await screen.findByRole('link', { name: '1 ready of 5' })
  })

  test('that somebody else sets shows at once', async () => {
    const pool = fakePool({ [STATUS]: () => ({ body: aStatus(ready('aaa')) }) })
    open('/pool')
    await screen.findByText('live', { exact: false })
    pool.on(STATUS, () => ({ body: aStatus(ready('aaa'), 9) }))
    const event = { id: '7', at: '2030-01-01T00:00:00Z', instanceId: null, claimId: null, from: null, to: null }
    pool.tell({
      event: 'activity',
      data: { ...event, type: 'settings_changed', reason: null, actor: 'key:other', requestId: null, detail: { minIdle: 9 } },
    })
    const input = await screen.findByRole('textbox', { name: 'Target' })
    await waitFor(() => expect((input as HTMLInputElement).value).toBe('9'))
  })

  test('of none is asked about first', async () => {
    const pool = fakePool({
      [STATUS]: () => ({ body: aStatus(ready('aaa'), 1) }),
      [CHANGE]: () => ({ body: settings({ minIdle: 0 }) }),
    })
    const { user } = open('/pool')
    await user.click(within(await screen.findByRole('group', { name: 'Target' })).getByRole('button', { name: 'One less' }))
    await user.click(screen.getByRole('button', { name: 'Set to 0' }))
    const dialog = await screen.findByRole('dialog', { name: 'Keep no instance ready?' })
    expect(pool.asked(CHANGE)).toEqual([])
    await user.click(within(dialog).getByRole('button', { name: 'Set the target to 0' }))
    await waitFor(() => expect(bodies(pool.asked(CHANGE))).toEqual([{ minIdle: 0 }]))
  })
})

describe('replenish', () => {
  test('a double click replenishes once, and the button stays shut while the request is under way', async () => {
    const { handler, release } = heldAnswer()
    const operation = anOperation({ kind: 'replenish', total: 1 })
    const pool = fakePool({ [REPLENISH]: handler, [OPERATION]: () => ({ body: operation }) })
    const { user } = open('/pool')
    await user.dblClick(await screen.findByRole('button', { name: 'Replenish' }))
    await waitFor(() => expect(screen.getByRole('button', { name: 'Replenish' }).getAttribute('aria-disabled')).toBe('true'))
    await user.click(screen.getByRole('button', { name: 'Replenish' }))
    pool.on(OPERATIONS, () => ({ body: { operations: [operation] } }))
    release({ status: 202, body: operation })
    await (await region('Operations')).findByText('Replenish by 1 instance')
    expect(bodies(pool.asked(REPLENISH))).toEqual([{ count: 1 }])
  })

  test.each([
    ['PAUSED', 'the refill is paused', 'The refill is paused.'],
    ['MAX_TOTAL', 'at most 5 instances are allowed, and 5 exist', 'The cap is reached.'],
    ['CREATION_FAILING', 'creation failed 3 times in a row', 'Creation keeps failing.'],
    ['UNTRUSTED_IMAGE', 'an instance on it must become ready first', 'The image has yet to prove itself.'],
  ])('refused with %s it says why, with the request id', async (code, detail, what) => {
    fakePool({ [REPLENISH]: () => ({ status: 409, body: aProblem(409, code, { detail }) }) })
    const { user } = open('/pool')
    await user.click(await screen.findByRole('button', { name: 'Replenish' }))
    const { textContent } = await screen.findByRole('alert')
    expect(textContent?.startsWith(what)).toBe(true)
    expect(textContent?.toLowerCase()).toContain(detail)
    expect(textContent).toContain('request-1')
  })
})

async function askToDrain(user: User) {
  await user.click(await screen.findByRole('button', { name: 'Drain…' }))
  return region('Drain')
}

describe('drain', () => {
  test('shows which would go, and asks for exactly those', async () => {
    const pool = fakePool({
      [STATUS]: () => ({ body: aStatus(ready('aaa', 'bbb', 'ccc')) }),
      [DRAIN]: () => ({ status: 202, body: anOperation() }),
      [OPERATION]: () => ({ body: anOperation() }),
    })
    const { user } = open('/pool')
    const drain = await askToDrain(user)
    await user.click(drain.getByRole('button', { name: 'One more' }))
    expect((await cell('aaa')).dataset['mark']).toBe('drain')
    expect((await cell('bbb')).dataset['mark']).toBe('drain')
    expect((await cell('ccc')).dataset['mark']).toBeUndefined()
    await user.click(drain.getByRole('button', { name: 'Drain 2 instances' }))
    const dialog = within(await screen.findByRole('dialog', { name: 'Drain 2 instances?' }))
    expect(pool.asked(DRAIN)).toEqual([])
    pool.on(OPERATIONS, () => ({ body: { operations: [anOperation()] } }))
    await user.click(dialog.getByRole('button', { name: 'Drain 2 instances' }))
    await waitFor(() => expect(bodies(pool.asked(DRAIN))).toEqual([{ ids: ['aaa', 'bbb'] }]))
    await waitFor(() => expect(screen.queryByRole('region', { name: 'Drain' })).toBeNull())
    await (await region('Operations')).findByText('0 of 2')
  })

  test('of all that is ready says that nothing is left', async () => {
    fakePool({ [STATUS]: () => ({ body: aStatus(ready('aaa', 'bbb')) }) })
    const { user } = open('/pool')
    const drain = await askToDrain(user)
    await user.click(drain.getByRole('button', { name: 'All' }))
    await user.click(drain.getByRole('button', { name: 'Drain 2 instances' }))
    await screen.findByRole('dialog', { name: 'Leave nothing ready?' })
  })

  test('asks twice in production', async () => {
    const pool = fakePool({
      'GET /api/session': () => ({ body: aSession({ environment: 'production' }) }),
      [STATUS]: () => ({ body: aStatus(ready('aaa', 'bbb')) }),
      [DRAIN]: () => ({ status: 202, body: anOperation() }),
    })
    const { user } = open('/pool')
    const drain = await askToDrain(user)
    await user.click(drain.getByRole('button', { name: 'Drain 1 instance' }))
    const dialog = within(await screen.findByRole('dialog'))
    await user.click(dialog.getByRole('button', { name: 'Drain 1 instance…' }))
    expect(pool.asked(DRAIN)).toEqual([])
    expect(dialog.getByRole('status').textContent).toContain('This is production. Once more: drain 1 instance')
    await user.click(await dialog.findByRole('button', { name: 'Drain 1 instance in production' }))
    await waitFor(() => expect(pool.asked(DRAIN)).toHaveLength(1))
  })

  test('is not possible where nothing may go', async () => {
    fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ id: 'aaa', protected: true })]) }) })
    const { user } = open('/pool')
    const drain = await askToDrain(user)
    await user.click(drain.getByRole('button', { name: 'Drain 0 instances' }))
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(drain.getByText('none is ready that may go')).toBeTruthy()
  })
})

describe('work', () => {
  const waiting = { instanceId: 'aaa', state: 'running' as const, step: 'waiting', error: null }

  test('of another operator shows, goes on live, and can be stopped', async () => {
    const operation = anOperation({ items: [waiting, { ...waiting, instanceId: 'bbb' }] })
    const stopped = { ...operation, state: 'stopped' as const, done: 1, failed: 1, finishedAt: new Date().toISOString() }
    const pool = fakePool({
      [OPERATIONS]: () => ({ body: { operations: [operation] } }),
      'DELETE /api/pool/operations/op_1': () => ({ body: stopped }),
    })
    const { user } = open('/pool')
    const work = await region('Operations')
    await work.findByText('0 of 2')
    await screen.findByText('live', { exact: false })
    pool.tell({ event: 'operation', data: { ...operation, done: 1 } })
    await work.findByText('1 of 2')
    pool.on(OPERATIONS, () => ({ body: { operations: [stopped] } }))
    await user.click(work.getByRole('button', { name: 'Stop: Drain 2 instances' }))
    await work.findByText('stopped, 1 of 2, 1 failed')
    await user.click(work.getByRole('button', { name: 'Clear finished' }))
    await waitFor(() => expect(screen.queryByRole('region', { name: 'Operations' })).toBeNull())
  })

  test('says why each of its instances was left alone', async () => {
    const error = 'its status has changed meanwhile, so it was left alone'
    const failed = anOperation({
      state: 'failed',
      total: 1,
      failed: 1,
      items: [{ instanceId: 'aaa', state: 'failed', step: null, error }],
    })
    const pool = fakePool({ [OPERATIONS]: () => ({ body: { operations: [anOperation()] } }) })
    open('/pool')
    await region('Operations')
    await screen.findByText('live', { exact: false })
    pool.on(OPERATIONS, () => ({ body: { operations: [failed] } }))
    pool.tell({ event: 'operation', data: failed })
    expect((await (await region('Operations')).findByText(new RegExp(error))).textContent).toContain('aaa')
  })
})

describe('pause', () => {
  test('asks, stands in a banner as long as it lasts, and ends there', async () => {
    const pool = fakePool({ [CHANGE]: () => ({ body: settings({ paused: true }) }) })
    const { user } = open('/pool')
    await user.click(await screen.findByRole('button', { name: 'Pause' }))
    pool.on(SETTINGS, () => ({ body: settings({ paused: true }) }))
    await user.click(await screen.findByRole('button', { name: 'Pause the refill' }))
    await screen.findByText('The refill is paused.')
    expect(bodies(pool.asked(CHANGE))).toEqual([{ paused: true }])

    pool.on(CHANGE, () => ({ body: settings() }))
    pool.on(SETTINGS, () => ({ body: settings() }))
    await user.click(screen.getByRole('button', { name: 'Resume' }))
    await waitFor(() => expect(screen.queryByText('The refill is paused.')).toBeNull())
    expect(bodies(pool.asked(CHANGE)).at(-1)).toEqual({ paused: false })
  })
})

describe('images', () => {
  const [old, fresh] = [anImage('aaaa'), anImage('bbbb', { wanted: true, instances: 0, ready: 0 })]
  const images = { wanted: fresh.image, images: [fresh, old] }
  const onOld = [anInstance({ id: 'one', image: old.image }), anInstance({ id: 'two', image: old.image })]
  const waits = (instanceId: string) => ({ instanceId, state: 'running' as const, step: 'waiting', error: null })

  test('a roll-out says from which image to which, shows how far it is, and can be stopped', async () => {
    const rollout = anOperation({ kind: 'rollout', items: [waits('one'), waits('two')] })
    const pool = fakePool({
      [STATUS]: () => ({ body: aStatus(onOld) }),
      [IMAGES]: () => ({ body: images }),
      'POST /api/pool/rollout': () => ({ status: 202, body: rollout }),
      [OPERATION]: () => ({ body: rollout }),
      'DELETE /api/pool/operations/op_1': () => ({ body: { ...rollout, state: 'stopped' } }),
    })
    const { user } = open('/pool')
    await screen.findByText('→', { exact: false, selector: '.from-to' })
    await user.click(screen.getByRole('button', { name: 'Roll out image' }))
    expect(pool.asked('POST /api/pool/rollout')).toEqual([])
    const dialog = await screen.findByRole('dialog', { name: 'Roll the wanted image out?' })
    expect(dialog.textContent).toContain('aaaa00000000 → bbbb00000000')
    pool.on(OPERATIONS, () => ({ body: { operations: [rollout] } }))
    await user.click(within(dialog).getByRole('button', { name: 'Replace 2 instances' }))

    const underWay = within(await screen.findByRole('group', { name: 'Roll-out' }))
    await underWay.findByText('0 of 2 replaced')
    expect((await cell('one')).dataset['mark']).toBe('replace')
    const half = { ...rollout, done: 1, items: [{ ...waits('one'), state: 'done' as const }, waits('two')] }
    pool.tell({ event: 'operation', data: half })
    await underWay.findByText('1 of 2 replaced')
    expect((await cell('one')).dataset['mark']).toBeUndefined()

    pool.on(OPERATIONS, () => ({ body: { operations: [{ ...half, state: 'stopped' }] } }))
    await user.click(underWay.getByRole('button', { name: 'Stop roll-out' }))
    await waitFor(() => expect(screen.queryByRole('group', { name: 'Roll-out' })).toBeNull())
  })

  test('a roll-out that is refused says why, in the dialog', async () => {
    fakePool({
      [STATUS]: () => ({ body: aStatus(onOld) }),
      [IMAGES]: () => ({ body: images }),
      'POST /api/pool/rollout': () => ({ status: 409, body: aProblem(409, 'IMAGE_BAD', { detail: 'creation keeps failing' }) }),
    })
    const { user } = open('/pool')
    await screen.findByText('→', { exact: false, selector: '.from-to' })
    await user.click(screen.getByRole('button', { name: 'Roll out image' }))
    await user.click(await screen.findByRole('button', { name: 'Replace 2 instances' }))
    const alert = await within(screen.getByRole('dialog')).findByRole('alert')
    expect(alert.textContent).toContain('The wanted image does not boot.')
  })

  test('where nothing is off the wanted image there is nothing to roll out', async () => {
    fakePool({ [IMAGES]: () => ({ body: { wanted: fresh.image, images: [fresh] } }) })
    open('/pool')
    await screen.findByText('every ready instance is on the wanted image')
  })

  test('an open breaker is told with its next attempt, and can be reset', async () => {
    const retryAt = new Date(Date.now() + 290_000).toISOString()
    const bad = anImage('cccc', { wanted: true, state: 'bad', breaker: 'open', failures: 3, retryAt })
    const pool = fakePool({
      [IMAGES]: () => ({ body: { wanted: bad.image, images: [bad] } }),
      [`DELETE /api/pool/images/${encodeURIComponent(bad.digest ?? '')}/breaker`]: () => ({
        body: { wanted: bad.image, images: [anImage('cccc', { wanted: true, state: 'untrusted' })] },
      }),
    })
    const { user } = open('/pool')
    await screen.findByText(/breaker open: 3 creations failed in a row, next attempt in 4 min/)
    const now = { wanted: bad.image, images: [anImage('cccc', { wanted: true, state: 'untrusted' })] }
    pool.on(IMAGES, () => ({ body: now }))
    await user.click(screen.getByRole('button', { name: 'Reset the breaker of cccc00000000' }))
    await screen.findByText('not proven yet')
  })
})

describe('what is told beside it', () => {
  test('a refill that is held back is told with its reason', async () => {
    const held = { code: 'CREATION_FAILING', reason: 'the last three creations failed', until: null }
    fakePool({ [STATUS]: () => ({ body: { ...aStatus([]), held } }) })
    open('/pool')
    const notice = (await screen.findByText('Creation keeps failing.')).closest('p')
    expect(notice?.textContent).toContain('The last three creations failed.')
  })

  test('a history without claims says so, and the window is in the address', async () => {
    const longer = { ...aQuietHour(), window: '6h', stepSeconds: 120 }
    const pool = fakePool({ 'GET /api/pool/stats?window=6h': () => ({ body: longer }) })
    const { user } = open('/pool')
    expect(await screen.findAllByText('No claims yet.')).toHaveLength(2)
    await user.click(screen.getByRole('button', { name: '6 hours' }))
    expect(window.location.search).toBe('?window=6h')
    await waitFor(() => expect(pool.asked('GET /api/pool/stats?window=6h').length).toBeGreaterThan(0))
  })

  test('the charts can be read as a table', async () => {
    const stats = aQuietHour()
    const noted = { ready: 2, readyMin: 1, starting: 1, claimed: 0, crashed: 0, stuck: 0, deleting: 0 }
    const claims = { done: 4, failed: 0, cancelled: 0, empty: 1, hit: 4, p50Ms: 420, p95Ms: 1_300, p99Ms: 2_100 }
    stats.points[30] = { at: stats.points[30]?.at ?? '', target: 3, instances: noted, queue: null, claims, creations: null }
    fakePool({ 'GET /api/pool/stats?window=1h': () => ({ body: stats }) })
    const { user } = open('/pool')
    await user.click(await screen.findByText('Show as a table'))
    const rows = within(await screen.findByRole('table', { name: 'History' })).getAllByRole('row')
    expect(rows).toHaveLength(2)
    expect(rows[1]?.textContent).toContain('213141420 ms1.3 s2.1 s')
    const figures = await region('Figures')
    expect(figures.getByText('420 ms')).toBeTruthy()
    expect(figures.getByText('100%')).toBeTruthy()
  })

  test('providers that cannot be asked for do not take the page away', async () => {
    fakePool({
      [STATUS]: () => ({ body: aStatus(ready('aaa')) }),
      'GET /api/pool/providers': () => ({ status: 503, body: aProblem(503, 'SERVICES_UNAVAILABLE') }),
    })
    open('/pool')
    const providers = await region('Providers')
    expect((await providers.findByRole('alert')).textContent).toContain('does not answer')
    await cell('aaa')
  })

  test('an alert that fires is told in words, since when', async () => {
    const since = new Date(Date.now() - 120_000).toISOString()
    const firing = [{ code: 'TICK_LATE', detail: 'it is due every 30 s', since, resolvedAt: null }]
    fakePool({ 'GET /api/pool/alerts': () => ({ body: { firing, resolved: [] } }) })
    open('/pool')
    expect((await screen.findByText(/Nobody looks after the fleet/)).textContent).toContain('for 2 min')
  })

  test('who looks after the fleet is told, and when they last did', async () => {
    const pool = fakePool()
    open('/pool')
    const watch = await region('Watch')
    expect((await watch.findByText(/looked at/)).textContent).toBe(
      'All of the fleet was looked at 3 s ago; it is due every 30 s. Replica a1b2c3d4 holds the lease.',
    )
    cleanup()
    pool.on('GET /api/pool/tick', () => ({ body: aTick({ holder: null }) }))
    open('/pool')
    await (await region('Watch')).findByText(/No replica holds the lease for it\./)
  })
})

import type { InstanceEvent } from '@convos/pool/contract'
import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { beforeEach, expect, test, vi } from 'vitest'
import { anEvent, anInstance, aProblem, aSession, aStatus } from './support/data.ts'
import { fakePool, heldAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const LOG = 'GET /api/pool/activity'

beforeEach(() => {
  // jsdom has no layout: every line is as high as one that is closed
  Object.defineProperty(HTMLElement.prototype, 'offsetHeight', { configurable: true, get: () => 36 })
})

/** Events with these numbers, the oldest first, a second apart. */
const run = (from: number, to: number, parts: Partial<InstanceEvent> = {}) =>
  Array.from({ length: to - from + 1 }, (_, n) =>
    anEvent({
      id: String(from + n),
      at: new Date(Date.UTC(2030, 0, 1) + (from + n) * 1000).toISOString(),
      reason: `number ${from + n}`,
      ...parts,
    }),
  )
const answer = (events: InstanceEvent[], earlier: string | null = null) => ({
  body: { events, cursor: '1-0', more: false, earlier },
})
const params = () => new URLSearchParams(window.location.search)
const queryOf = ({ path }: { path: string }) => new URLSearchParams(path.split('?')[1])
const lines = () => [...screen.getByRole('list', { name: 'Events' }).querySelectorAll('[data-line]')]
const line = (n: number) => screen.findByRole('button', { name: new RegExp(`number ${n}$`) })

/** A pool with this log; nothing has happened since. */
function aLogOf(events: InstanceEvent[], routes: Parameters<typeof fakePool>[0] = {}) {
  return fakePool({
    'GET /api/keys': () => ({ body: { keys: [] } }),
    [LOG]: (asked) => answer(queryOf(asked).has('after') ? [] : events),
    ...routes,
  })
}

test('the latest stands first, only lines in sight exist, and older ones come as one scrolls', async () => {
  const pool = fakePool({
    'GET /api/keys': () => ({ body: { keys: [] } }),
    [LOG]: (asked) => {
      const query = queryOf(asked)
      if (query.has('after')) return answer([])
      return query.get('before') === 'older' ? answer(run(1, 100)) : answer(run(101, 200), 'older')
    },
  })
  open('/activity')
  await line(200)
  expect(lines()[0]?.textContent).toContain('number 200')
  expect(lines().length).toBeLessThan(60)
  screen.getByText('100+ shown')
  expect(pool.asked(LOG).some((asked) => queryOf(asked).has('before'))).toBe(false)
  const scroller = screen.getByRole('region', { name: 'Events, scrollable' })
  scroller.scrollTop = 80 * 36
  fireEvent.scroll(scroller)
  await screen.findByText('200 shown')
})

test('filters are asked of the API, live in the address, and can be taken away', async () => {
  const pool = aLogOf(run(1, 2))
  const { user } = open('/activity?actor=key:pool&instance=k3v9x2m4q8za')
  await line(1)
  await user.click(screen.getByRole('button', { name: 'Images' }))
  await waitFor(() => {
    const asked = queryOf(pool.asked(LOG).at(-1) ?? { path: '' })
    expect(asked.getAll('type')).toEqual(['image_wanted', 'image_trusted', 'breaker_closed'])
    expect([asked.get('actor'), asked.get('instanceId')]).toEqual(['key:pool', 'k3v9x2m4q8za'])
  })
  expect(params().get('type')).toBe('image_wanted,image_trusted,breaker_closed')
  await user.click(await screen.findByRole('button', { name: 'Any actor' }))
  await waitFor(() => expect(params().get('actor')).toBeNull())
  expect(params().get('instance')).toBe('k3v9x2m4q8za')
})

test('a span of time is asked for from when it was chosen', async () => {
  const pool = aLogOf([])
  const { user } = open('/activity?span=1h')
  await screen.findByText('No event passes the filter.')
  const since = Date.parse(queryOf(pool.asked(LOG)[0] ?? { path: '' }).get('since') ?? '')
  expect(Math.abs(Date.now() - 3_600_000 - since)).toBeLessThan(60_000)
  await user.click(screen.getByRole('button', { name: 'Show all' }))
  await screen.findByText('Nothing has happened yet.')
})

test('what happens appears at the top at once, where it passes', async () => {
  const pool = aLogOf(run(1, 2, { type: 'ready' }))
  open('/activity?type=ready')
  await line(2)
  await screen.findByText('live', { exact: false })
  pool.tell({ event: 'activity', data: anEvent({ id: '3', type: 'crashed', reason: 'number 3' }) })
  pool.tell({ event: 'activity', data: anEvent({ id: '4', reason: 'number 4' }) })
  await line(4)
  expect(lines().map((one) => /number \d+/.exec(one.textContent)?.[0])).toEqual(['number 4', 'number 2', 'number 1'])
})

test('while somebody reads, what happens waits above and is counted; it comes when it is asked for', async () => {
  const pool = aLogOf(run(1, 60))
  const { user } = open('/activity')
  await line(60)
  await screen.findByText('live', { exact: false })
  const scroller = screen.getByRole('region', { name: 'Events, scrollable' })
  scroller.scrollTop = 400
  fireEvent.scroll(scroller)
  for (const data of run(61, 72)) pool.tell({ event: 'activity', data })
  await screen.findByRole('button', { name: '12 new' })
  expect(screen.queryByText(/number 72/)).toBeNull()
  scroller.scrollTop = 0
  await user.click(screen.getByRole('button', { name: '12 new' }))
  fireEvent.scroll(scroller)
  await line(72)
  expect(screen.queryByRole('button', { name: /new$/ })).toBeNull()
})

test('what was missed while the stream was away is read, and nothing twice', async () => {
  let missed: InstanceEvent[] = []
  const pool = aLogOf(run(1, 2), { [LOG]: (asked) => answer(queryOf(asked).has('after') ? missed : run(1, 2)) })
  open('/activity')
  await line(2)
  await screen.findByText('live', { exact: false })
  missed = run(3, 4)
  pool.tell({ event: 'activity', data: missed[1] ?? anEvent() }, { event: 'reset', data: {} })
  await line(3)
  expect(lines().map((one) => /number \d+/.exec(one.textContent)?.[0])).toEqual([4, 3, 2, 1].map((n) => `number ${n}`))
})

test('a line tells all there is, copies ids, and leads to its like and to its instance', async () => {
  const event = anEvent({
    id: '7',
    type: 'kill',
    from: 'claimed',
    to: 'deleting',
    reason: 'number 7',
    actor: 'key:k1',
    claimId: 'clm_9',
    requestId: 'request-9',
    detail: { operationId: 'op_1' },
  })
  const instance = anInstance({ agentName: 'tokyo' })
  aLogOf([event], {
    'GET /api/keys': () => ({ body: { keys: [{ ...aKey, id: 'k1', name: 'website' }] } }),
    'GET /api/pool/status': () => ({ body: aStatus([instance]) }),
  })
  const copied = vi.fn(() => Promise.resolve())
  const { user } = open('/activity')
  vi.spyOn(navigator.clipboard, 'writeText').mockImplementation(copied)
  await user.click(await line(7))
  const details = within((await screen.findByText('Number 7.')).closest('dl') as HTMLElement)
  details.getByText('claimed → deleting')
  details.getByText('website')
  details.getByText(/"operationId": "op_1"/)
  expect(details.getByRole('link').getAttribute('href')).toBe('/instances?open=k3v9x2m4q8za')
  expect(details.getByRole('link').textContent).toBe('tokyo · k3v9x2m4q8za')
  await user.click(details.getByRole('button', { name: 'Copy request id' }))
  expect(copied).toHaveBeenCalledWith('request-9')
  await user.click(details.getByRole('button', { name: 'Only this request' }))
  await waitFor(() => expect(params().get('request')).toBe('request-9'))
})

const aKey = {
  role: 'claimer',
  claimsPerMinute: 60,
  claimsPerDay: null,
  createdAt: '2030-01-01T00:00:00.000Z',
  lastUsedAt: null,
  revokedAt: null,
}

test('j and k walk the lines, Enter opens one', async () => {
  aLogOf(run(1, 3))
  const { user } = open('/activity')
  await line(3)
  await user.keyboard('jj')
  await waitFor(() => expect(document.activeElement?.getAttribute('data-line')).toBe('2'))
  await user.keyboard('{Enter}')
  expect(document.activeElement?.getAttribute('aria-expanded')).toBe('true')
  await user.keyboard('k')
  await waitFor(() => expect(document.activeElement?.getAttribute('data-line')).toBe('3'))
})

test('a refusal says so with the request id, keeps what is on screen, and is tried again', async () => {
  const pool = aLogOf([], { [LOG]: () => ({ status: 403, body: aProblem(403, 'FORBIDDEN') }) })
  const { user } = open('/activity')
  expect((await screen.findByRole('alert')).textContent).toContain('request-1')
  pool.on(LOG, (asked) => answer(queryOf(asked).has('after') ? [] : run(1, 1)))
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  await line(1)
  expect(screen.queryByRole('alert')).toBeNull()
})

test('a log that was restored from before is read anew', async () => {
  let restored = false
  const pool = aLogOf([], {
    [LOG]: (asked) => {
      if (!queryOf(asked).has('after')) return answer(restored ? run(1, 1) : run(8, 9))
      return restored ? answer([]) : { status: 410, body: aProblem(410, 'CURSOR_UNKNOWN') }
    },
  })
  const gone = heldAnswer()
  pool.on(LOG, (asked) => (queryOf(asked).has('after') ? gone.handler() : answer(run(8, 9))))
  open('/activity')
  await line(9)
  restored = true
  pool.on(LOG, (asked) => answer(queryOf(asked).has('after') ? [] : run(1, 1)))
  gone.release({ status: 410, body: aProblem(410, 'CURSOR_UNKNOWN') })
  await line(1)
  expect(screen.queryByText(/number 9/)).toBeNull()
})

test('an export gathers all that passes, and saves it', async () => {
  const saved: { name: string; file: Blob }[] = []
  let file = new Blob()
  Object.assign(URL, { createObjectURL: (blob: Blob) => ((file = blob), 'blob:x'), revokeObjectURL: () => {} })
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    saved.push({ name: this.download, file })
  })
  const pool = aLogOf([], {
    [LOG]: (asked) => {
      const query = queryOf(asked)
      if (query.has('after')) return answer([])
      if (query.get('limit') !== '1000') return answer(run(4, 5))
      return query.get('before') === 'older' ? answer(run(1, 3)) : answer(run(4, 5), 'older')
    },
  })
  const { user } = open('/activity?actor=pool')
  await line(5)
  await user.click(screen.getByRole('button', { name: 'Export…' }))
  await user.click(await screen.findByRole('radio', { name: /^JSON/ }))
  await user.click(screen.getByRole('button', { name: 'Export' }))
  await screen.findByText(/^5 events saved, back to/)
  expect(saved[0]?.name).toBe('activity-staging-20300101T000001-20300101T000005.jsonl')
  const written = (await saved[0]?.file.text())
    ?.trim()
    .split('\n')
    .map((one) => (JSON.parse(one) as InstanceEvent).id)
  expect(written).toEqual(['1', '2', '3', '4', '5'])
  const asked = pool.asked(LOG).filter((one) => queryOf(one).get('limit') === '1000' && !queryOf(one).has('after'))
  expect(asked.map((one) => queryOf(one).get('actor'))).toEqual(['pool', 'pool'])
})

test('an export can be stopped, and what there is be saved; a refusal is told and gone on from', async () => {
  const slow = heldAnswer()
  const pool = aLogOf([], {
    [LOG]: (asked) => {
      const query = queryOf(asked)
      if (query.has('after')) return answer([])
      return query.get('before') === 'older' ? slow.handler() : answer(run(4, 5), query.get('limit') === '1000' ? 'older' : null)
    },
  })
  const { user } = open('/activity')
  await line(5)
  await user.click(screen.getByRole('button', { name: 'Export…' }))
  await user.click(await screen.findByRole('button', { name: 'Export' }))
  await screen.findByText(/^2 events so far/)
  await user.click(screen.getByRole('button', { name: 'Stop' }))
  await screen.findByRole('button', { name: 'Save these 2' })
  pool.on(LOG, () => ({ status: 429, body: aProblem(429, 'RATE_LIMITED') }))
  await user.click(screen.getByRole('button', { name: 'Go on' }))
  expect((await within(screen.getByRole('dialog')).findByRole('alert')).textContent).toContain('request-1')
  screen.getByRole('button', { name: 'Save these 2' })
})

test('claimers are told that this page is for operators', async () => {
  const pool = fakePool({
    'GET /api/session': () => ({ body: aSession({ role: 'claimer' }) }),
    'GET /api/pool/counts': () => ({ body: aStatus([]).counts }),
  })
  open('/activity')
  await screen.findByText('This page is for operators.')
  expect(pool.asked(LOG)).toEqual([])
})

import type { Image, Provider, Stats, StatsPoint, Status } from '@convos/pool/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawCells } from '../src/pool/drawing.ts'
import { cellAfter, cellAt, COLUMNS, inColumns, layOut, roomFor, SIZES } from '../src/pool/rack.ts'
import { figuresOf, sparkPath, supplyOf } from '../src/pool/series.ts'
import { budgetOf, heldWords, imageWords, latencyWords, progressText, rateWords, supplyWords } from '../src/pool/words.ts'
import { canStop, drainable, endedOf, leftOf, offImage, shownWork } from '../src/pool/work.ts'
import { anInstance, anOperation } from './support/data.ts'

const NOW = Date.parse('2030-01-01T12:00:00Z')
const at = (minute: number) => new Date(NOW - 3_600_000 + minute * 60_000).toISOString()

describe('the rack', () => {
  const some = fc
    .array(fc.record({ status: fc.constantFrom(...COLUMNS), minute: fc.nat(10_000) }), { maxLength: 300 })
    .map((list) => list.map(({ status, minute }, i) => anInstance({ id: `i${i}`, status, createdAt: at(minute) })))
  const widths = fc.integer({ min: 280, max: 2000 })

  test('every instance has one cell, within the rack and on no other', () => {
    fc.assert(
      fc.property(some, widths, (instances, width) => {
        const { cells, height } = layOut(instances, width)
        expect(cells.map(({ instance }) => instance.id).toSorted()).toEqual(instances.map(({ id }) => id).toSorted())
        expect(new Set(cells.map(({ x, y }) => `${x},${y}`)).size).toBe(cells.length)
        for (const { x, y } of cells) {
          expect(x >= 0 && x + SIZES.normal.cell <= width).toBe(true)
          expect(y >= 0 && y + SIZES.normal.cell <= height).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('an instance stands in the column of its status, the oldest at the bottom', () => {
    const instances = Array.from({ length: 40 }, (_, i) => anInstance({ id: `i${i}`, createdAt: at(40 - i) }))
    const { cells, columns } = layOut([...instances, anInstance({ id: 'other', status: 'stuck' })], 1200)
    const stuck = columns.find(({ status }) => status === 'stuck')
    expect(cells.find(({ instance }) => instance.id === 'other')?.x).toBe(stuck?.x)
    const ready = cells.filter(({ instance }) => instance.status === 'ready')
    expect(ready[0]?.instance.id).toBe('i39')
    expect(Math.max(...ready.map(({ y }) => y))).toBe(ready[0]?.y)
    expect(ready.map(({ y }) => y)).toEqual(ready.map(({ y }) => y).toSorted((a, b) => b - a))
  })

  test('what is in use stands in the order of its claims', () => {
    const claimed = (id: string, createdAt: string, claimedAt: string) =>
      anInstance({ id, status: 'claimed', createdAt, claimedAt })
    const column = inColumns([claimed('first', at(5), at(6)), claimed('second', at(1), at(9))]).get('claimed')
    expect(column?.map(({ id }) => id)).toEqual(['first', 'second'])
  })

  test('the columns stay where they are while a few instances come and go', () => {
    const places = (count: number) =>
      layOut(
        Array.from({ length: count }, (_, i) => anInstance({ id: `i${i}` })),
        1200,
      ).columns.map(({ x }) => x)
    expect(places(1)).toEqual(places(20))
  })

  test('a narrow screen has its columns on several shelves', () => {
    const { columns } = layOut([], 358)
    expect(columns).toHaveLength(COLUMNS.length)
    expect(new Set(columns.map(({ y }) => y)).size).toBe(3)
  })

  test('from a thousand on the cells are small', () => {
    const many = (n: number) => Array.from({ length: n }, (_, i) => anInstance({ id: `i${i}` }))
    expect(layOut(many(999), 1200).size).toBe('normal')
    expect(layOut(many(1000), 1200).size).toBe('small')
  })

  test('each cell is found at its place, at its edges and in the gap around it', () => {
    fc.assert(
      fc.property(some, widths, (instances, width) => {
        const layout = layOut(instances, width)
        for (const cell of layout.cells) {
          expect(cellAt(layout, cell.x, cell.y)).toBe(cell)
          expect(cellAt(layout, cell.x + SIZES.normal.cell + 1, cell.y + SIZES.normal.cell + 1)).toBe(cell)
        }
        expect(cellAt(layout, width + 20, 0)).toBeNull()
      }),
      { numRuns: 20 },
    )
  })

  test('how much room it takes is known from the figures alone', () => {
    const instances = Array.from({ length: 1200 }, (_, i) => anInstance({ id: `i${i}`, status: i % 3 ? 'ready' : 'claimed' }))
    const { cells: _, ...room } = layOut(instances, 700)
    expect(roomFor({ ready: 800, claimed: 400 }, 700)).toEqual(room)
  })

  test('thousands are drawn as a path for each status, and one around those with a mark', () => {
    const [ready, starting] = [anInstance({ id: 'a' }), anInstance({ id: 'b', status: 'starting' })]
    const cells = [ready, { ...ready, id: 'c' }, starting].map((instance, i) => ({ instance, x: i * 10, y: 20 }))
    const { byStatus, byMark } = drawCells(cells, new Map([['c', 'drain']]))
    expect(byStatus.get('ready')).toBe('M0.5 20.5h7v7h-7zM10.5 20.5h7v7h-7z')
    // half full: what is drawn twice is empty
    expect(byStatus.get('starting')).toBe('M20.5 20.5h7v7h-7zM20.5 20.5h7v3.5h-7z')
    expect([...byMark]).toEqual([['drain', 'M9.5 19.5h9v9h-9z']])
  })

  test('arrow keys lead to the neighbour, Home and End to the ends, other keys nowhere', () => {
    const of = (status: Status, n: number) => Array.from({ length: n }, (_, i) => anInstance({ id: `${status}${i}`, status }))
    const { cells } = layOut([...of('ready', 3), ...of('claimed', 1)], 1200)
    const after = (from: string | null, key: string) => cellAfter(cells, from, key)?.instance.id ?? null
    expect(after(null, 'ArrowRight')).toBe('ready0')
    expect(after('ready0', 'ArrowRight')).toBe('ready1')
    expect(after('ready2', 'ArrowRight')).toBe('claimed0')
    expect(after('claimed0', 'ArrowLeft')).toBe('ready2')
    expect(after('claimed0', 'ArrowRight')).toBe('claimed0')
    expect(after('ready1', 'End')).toBe('claimed0')
    expect(after('claimed0', 'Home')).toBe('ready0')
    expect(after('ready0', 'a')).toBeNull()
  })
})

const aPoint = (minute: number, parts: Partial<StatsPoint> = {}): StatsPoint => ({
  at: at(minute),
  target: 5,
  instances: { ready: 5, readyMin: 5, starting: 0, claimed: 0, crashed: 0, stuck: 0, deleting: 0 },
  queue: null,
  claims: null,
  creations: null,
  ...parts,
})
const claims = (parts: Partial<NonNullable<StatsPoint['claims']>>) => ({
  done: 0,
  failed: 0,
  cancelled: 0,
  empty: 0,
  hit: 0,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
  ...parts,
})
const aHour = (points: StatsPoint[]): Stats => ({ window: '1h', stepSeconds: 60, points })
const nothing = { instances: null, target: null }

describe('the supply line', () => {
  const now = { at: NOW / 1000, ready: 2, target: 6 }

  test('ends with what is true now, and what is not known is a gap', () => {
    const { at: times, ready, target } = supplyOf(aHour([aPoint(0, nothing), aPoint(1)]), now)
    expect(times).toHaveLength(3)
    expect(ready).toEqual([null, 5, 2])
    expect(target).toEqual([null, 5, 6])
  })

  test('minutes in which instances are made become one span', () => {
    const starting = { ready: 1, readyMin: 1, starting: 2, claimed: 0, crashed: 0, stuck: 0, deleting: 0 }
    const busy = (minute: number) => aPoint(minute, { instances: starting })
    const { refills } = supplyOf(aHour([busy(0), busy(1), aPoint(2), busy(3)]), now)
    expect(refills.map(({ from, to }) => (to - from) / 60)).toEqual([2, 1])
  })

  test('claims are ticks, and those that found the pool empty are told apart', () => {
    const stats = aHour([aPoint(0, { claims: claims({ done: 3 }) }), aPoint(1), aPoint(2, { claims: claims({ empty: 1 }) })])
    const supply = supplyOf(stats, now)
    expect(supply.claims.map(({ done, empty }) => [done, empty])).toEqual([
      [3, 0],
      [0, 1],
    ])
    expect(supplyWords(supply, 0)).toContain('5 ready, target 5, 3 claims')
    expect(supplyWords(supply, 2)).toContain('1 found it empty')
  })

  test('a minute ahead of us, where clocks disagree, is left out', () => {
    expect(supplyOf(aHour([aPoint(0), aPoint(61)]), now).at).toHaveLength(2)
  })
})

describe('the figures', () => {
  test('without claims nothing is made up', () => {
    expect(figuresOf(aHour([aPoint(0)]))).toMatchObject({ p50Ms: null, p95Ms: null, hitRatio: null, warmUpMs: null })
  })

  test('medians weigh as much as their claims, and the worst p95 and p99 count', () => {
    const stats = aHour([
      aPoint(0, { claims: claims({ done: 3, hit: 3, p50Ms: 100, p95Ms: 200, p99Ms: 250 }) }),
      aPoint(1, { claims: claims({ done: 1, hit: 0, p50Ms: 500, p95Ms: 900, p99Ms: null, failed: 1, empty: 2 }) }),
    ])
    expect(figuresOf(stats)).toMatchObject({
      p50Ms: 200,
      p95Ms: 900,
      p99Ms: 250,
      hitRatio: 0.75,
      claims: { done: 4, failed: 1, empty: 2 },
    })
  })

  test('a spark line has its gaps, and a lone value is a dot', () => {
    expect(sparkPath([1, 2, null, 1, null], 8, 10)).toBe('M0.0 5.0L2.0 0.0M6.0 5.0h.01')
    expect(sparkPath([], 8, 10)).toBe('')
  })
})

describe('in words', () => {
  test('what holds the refill back, for every code', () => {
    const held = (code: string, reason = 'why') => Object.values(heldWords({ code, reason, until: null })).join(' ')
    expect(held('PAUSED')).toBe('The refill is paused.  Nothing new is created until it is resumed.')
    expect(held('MAX_TOTAL', 'at most 5 are allowed')).toContain('The cap is reached. At most 5 are allowed. End instances')
    expect(held('CREATION_FAILING')).toContain('Creation keeps failing. Why.')
    expect(held('UNTRUSTED_IMAGE')).toContain('The image has yet to prove itself. Why.')
    expect(held('SOMETHING_NEW')).toContain('The pool is not being refilled. Why.')
  })

  const image = (parts: Partial<Image>): Image => ({
    image: 'a@sha256:1',
    digest: 'sha256:1',
    wanted: true,
    state: 'trusted',
    breaker: 'closed',
    failures: 0,
    retryAt: null,
    trustedAt: null,
    firstSeenAt: at(0),
    instances: 0,
    ready: 0,
    ...parts,
  })

  test('how long claims take, and how many there are', () => {
    const figures = (p95Ms: number | null, p99Ms: number | null) => ({ ...figuresOf(aHour([])), p95Ms, p99Ms })
    expect(latencyWords({ stepSeconds: 60 }, figures(900, 1600))).toBe('the median; p99 in the worst minute 1.6 s')
    expect(latencyWords({ stepSeconds: 900 }, figures(900, null))).toBe('the median; p95 in the worst 15 min 900 ms')
    expect(latencyWords({ stepSeconds: 3600 }, figures(null, null))).toBe('the median')
    expect(rateWords(90, aHour(Array.from({ length: 60 }, (_, minute) => aPoint(minute))))).toBe('1.5 a minute')
    expect(rateWords(1, aHour([]))).toBe('1 a minute')
  })

  test('how far an image is trusted', () => {
    expect(imageWords(image({}), NOW)).toBe('trusted')
    expect(imageWords(image({ state: 'untrusted' }), NOW)).toBe('not proven yet')
    const open = image({ state: 'bad', breaker: 'open', failures: 3, retryAt: new Date(NOW + 120_000).toISOString() })
    expect(imageWords(open, NOW)).toBe('breaker open: 3 creations failed in a row, next attempt in 2 min')
    expect(imageWords({ ...open, retryAt: at(0) }, NOW)).toContain('next attempt now')
    expect(imageWords({ ...open, breaker: 'half_open' }, NOW)).toContain('one attempt at a time')
  })

  const provider = (parts: Partial<Provider>): Provider => ({
    provider: 'railway',
    configured: true,
    health: 'ok',
    requests: 412,
    refused: 0,
    failed: 0,
    budget: 10_000,
    left: 9_588,
    windowStartedAt: at(0),
    blockedUntil: null,
    lastOkAt: null,
    lastError: null,
    lastErrorAt: null,
    creditRemaining: null,
    creditAt: null,
    ...parts,
  })

  test('what is left of a budget', () => {
    expect(budgetOf(provider({}), NOW)).toEqual({
      text: '412 of 10,000 calls this hour',
      share: 0.0412,
      level: 'fine',
      trouble: null,
    })
    expect(budgetOf(provider({ left: 1_000 }), NOW).level).toBe('warn')
    expect(budgetOf(provider({ left: 0 }), NOW).level).toBe('bad')
    expect(budgetOf(provider({ budget: null, left: null }), NOW)).toMatchObject({
      share: null,
      text: '412 calls this hour, no limit',
    })
    expect(budgetOf(provider({ configured: false }), NOW).text).toBe('not configured')
  })

  test('what is wrong with a provider', () => {
    const blockedUntil = new Date(NOW + 30_000).toISOString()
    expect(budgetOf(provider({ health: 'blocked', blockedUntil }), NOW)).toMatchObject({
      level: 'bad',
      trouble: 'it told us to wait 30 s more',
    })
    expect(budgetOf(provider({ health: 'failing', lastError: '502' }), NOW).trouble).toBe('failing: 502')
    expect(budgetOf(provider({ refused: 2, failed: 1 }), NOW).trouble).toBe('2 refused, 1 failed')
  })

  test('how far work is', () => {
    expect(progressText(anOperation({ done: 1 }))).toBe('1 of 2')
    expect(progressText(anOperation({ state: 'failed', done: 1, failed: 1 }))).toBe('failed, 1 of 2, 1 failed')
    expect(progressText(anOperation({ state: 'done', total: 0 }))).toBe('nothing was left to do')
  })
})

describe('work', () => {
  const item = (instanceId: string, state: 'running' | 'done' | 'failed', step: string | null = null) => ({
    instanceId,
    state,
    step,
    error: null,
  })

  test('shown is what runs, whoever began it, and what has ended and was not put away', () => {
    const ended = anOperation({ id: 'ended', state: 'done' })
    const all = [anOperation({ id: 'runs' }), ended, anOperation({ id: 'kill', kind: 'kill' })]
    const shown = (...putAway: string[]) => shownWork(all, new Set(putAway)).map(({ id }) => id)
    expect(shown()).toEqual(['runs', 'ended'])
    expect(shown('ended', 'runs')).toEqual(['runs'])
    expect(endedOf(all)).toEqual(['ended'])
  })

  test('what waits can be stopped; what is under way cannot', () => {
    expect(canStop(anOperation({ items: [item('a', 'running', 'waiting'), item('b', 'done')] }))).toBe(true)
    expect(canStop(anOperation({ items: [item('a', 'running', 'deleting')] }))).toBe('all of it is under way already')
    expect(canStop(anOperation({ kind: 'replenish' }))).toBe('its instances are being made already')
  })

  test('a drain takes the oldest that are ready and not protected', () => {
    const instances = [
      anInstance({ id: 'young', createdAt: at(9) }),
      anInstance({ id: 'old', createdAt: at(1) }),
      anInstance({ id: 'kept', createdAt: at(0), protected: true }),
      anInstance({ id: 'used', createdAt: at(0), status: 'claimed' }),
    ]
    expect(drainable(instances).map(({ id }) => id)).toEqual(['old', 'young'])
  })

  test('a roll-out leads ready instances to the wanted image, and has those left that still run', () => {
    const instances = [anInstance({ id: 'a', image: 'x' }), anInstance({ id: 'b', image: 'y' })]
    expect(offImage(instances, 'y').map(({ id }) => id)).toEqual(['a'])
    expect(offImage(instances, null)).toEqual([])
    expect(leftOf(anOperation({ kind: 'rollout', items: [item('a', 'running'), item('b', 'done')] }))).toEqual(['a'])
  })
})

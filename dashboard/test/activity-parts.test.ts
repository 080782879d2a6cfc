import fc from 'fast-check'
import type { Activity, InstanceEvent } from '@convos/pool/contract'
import { describe, expect, test } from 'vitest'
import { cell, csvHead, csvRows, jsonLines } from '../src/activity/csv.ts'
import { fileName, fileOf, gather, type Gathered, nothingYet } from '../src/activity/exporting.ts'
import { linesOf, noNews, withRead, withTold } from '../src/activity/news.ts'
import { chosenOf, GROUP_NAMES, GROUPS, withGroup } from '../src/activity/types.ts'
import { filterOf, isFiltered, NO_FILTER, passes, searchFor, viewFrom } from '../src/activity/view.ts'
import { actorName, say } from '../src/activity/words.ts'
import { anEvent } from './support/data.ts'

const NOW = Date.parse('2030-01-02T00:00:00.000Z')
const events = (...ids: number[]) => ids.map((id) => anEvent({ id: String(id) }))
const page = (parts: Partial<Activity>): Activity => ({ events: [], cursor: '1-0', more: false, earlier: null, ...parts })
const ids = (list: readonly InstanceEvent[]) => list.map(({ id }) => id).join(' ')

describe('the address', () => {
  test('says what is shown, and what it cannot mean is left out', () => {
    const view = viewFrom({ type: 'ready,crashed,ready,<b>', actor: 'pool', from: 'yesterday', to: '2030-01-01', span: '2y' })
    expect(view).toMatchObject({ types: ['ready', 'crashed'], actor: 'pool', span: '', from: '', to: '2030-01-01T00:00:00.000Z' })
    expect(filterOf(view, NOW)).toEqual({ type: ['ready', 'crashed'], actor: 'pool', until: '2030-01-01T00:00:00.000Z' })
  })

  test('a span is counted back from now, and excludes a range', () => {
    expect(viewFrom({ span: '24h', from: '2029-01-01' })).toMatchObject({ span: '24h', from: '' })
    expect(filterOf(viewFrom({ span: '24h' }), NOW).since).toBe('2030-01-01T00:00:00.000Z')
    expect(searchFor({ span: '1h' })).toEqual({ span: '1h', from: '', to: '' })
    expect(searchFor({ from: '2030-01-01T00:00:00.000Z' })).toEqual({ from: '2030-01-01T00:00:00.000Z', span: '' })
  })

  test('ids are asked for as they are, without what was pasted around them', () => {
    expect(filterOf(viewFrom({ instance: ' k3v9x2m4q8za\n', request: ' ' }), NOW)).toEqual({ instanceId: 'k3v9x2m4q8za' })
  })

  test('without a filter nothing is narrowed', () => {
    const search = { type: 'ready', actor: 'x', instance: 'x', claim: 'x', request: 'x', from: '2030-01-01' }
    expect(isFiltered(viewFrom(search))).toBe(true)
    expect(isFiltered(viewFrom({ ...search, ...searchFor(NO_FILTER) }))).toBe(false)
  })
})

test('what the stream tells passes the filter as the API would say', () => {
  const event = anEvent({ type: 'kill', actor: 'key:a', claimId: 'c', requestId: 'r', at: '2030-01-01T00:00:00.000Z' })
  const fits = {
    type: ['kill'],
    actor: 'key:a',
    instanceId: event.instanceId ?? '',
    claimId: 'c',
    requestId: 'r',
    since: event.at,
  }
  expect(passes({})(event)).toBe(true)
  expect(passes(fits)(event)).toBe(true)
  const misses = [{ type: ['ready'] }, { actor: 'pool' }, { instanceId: 'x' }, { claimId: 'x' }, { requestId: 'x' }]
  for (const miss of [...misses, { since: '2030-01-01T00:00:00.001Z' }, { until: event.at }])
    expect(passes({ ...fits, ...miss })(event), JSON.stringify(miss)).toBe(false)
})

test('each known type is in one group; a group is chosen and left as a whole', () => {
  const all = GROUP_NAMES.flatMap((group): readonly string[] => GROUPS[group])
  expect(new Set(all).size).toBe(all.length)
  const some = withGroup(['ready', 'stuck'], 'Trouble')
  expect([chosenOf('Trouble', some), chosenOf('Instances', some), chosenOf('Claims', some)]).toEqual(['all', 'some', 'none'])
  expect(withGroup(some, 'Trouble')).toEqual(['ready'])
})

describe('news', () => {
  const told = (...list: InstanceEvent[]) => list.map((data) => ({ event: 'activity' as const, data }))

  test('is what was told, once, and only what passes', () => {
    const into = withTold(({ id }) => id !== '3')
    const news = into(into(noNews('1-0'), told(...events(1, 2))), told(...events(2, 3, 4)))
    expect(ids(news.events)).toBe('1 2 4')
    expect(into(news, told(...events(4)))).toBe(news)
  })

  test('what is read after the cursor is surer than what was told before', () => {
    const first = withRead(noNews('1-0'), page({ events: events(1), cursor: '2-0' }))
    const after = withTold(() => true)(first, told(...events(3)))
    const again = withRead(after, page({ events: events(2, 3), cursor: '4-0' }))
    expect([ids(again.events), again.cursor, again.settled]).toEqual(['1 2 3', '4-0', 3])
  })

  test('too much of it is let go, and said so', () => {
    expect(withRead(noNews('1-0'), page({ events: events(1), more: true }))).toMatchObject({ events: [], tooMuch: true })
    const flood = told(...Array.from({ length: 2001 }, (_, n) => anEvent({ id: String(n) })))
    expect(withTold(() => true)(noNews('1-0'), flood)).toMatchObject({ events: [], tooMuch: true })
  })

  test('stands above the pages, the latest first, each event once', () => {
    const news = withRead(noNews('1-0'), page({ events: events(5, 6) }))
    expect(ids(linesOf([page({ events: events(3, 4, 5) }), page({ events: events(1, 2) })], news))).toBe('6 5 4 3 2 1')
  })
})

describe('a file of comma-separated values', () => {
  test('quotes what it holds, and is no formula to a spreadsheet', () => {
    expect(cell('say "no"\nand go')).toBe('"say ""no""\nand go"')
    expect(cell(null)).toBe('""')
    for (const formula of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1', '\n@x'])
      expect(cell(formula)).toMatch(/^"'/)
    expect(cell('it answered ready')).toBe('"it answered ready"')
  })

  test('no text makes a cell that begins like a formula, or ends before its time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const inner = cell(text).slice(1, -1)
        expect(inner).not.toMatch(/^\s*[=+\-@]/)
        expect(inner.replaceAll('""', '')).not.toContain('"')
      }),
    )
  })

  test('has one row for each event, with its detail as JSON', () => {
    const event = anEvent({ reason: '=cmd', detail: { a: 1 } })
    const [head, row, rest] = (csvHead + csvRows([event])).split('\r\n')
    expect(head).toBe('\uFEFF"id","at","type","instanceId","claimId","from","to","reason","actor","requestId","detail"')
    expect(row).toContain(`"'=cmd"`)
    expect(row?.endsWith('"{""a"":1}"')).toBe(true)
    expect(rest).toBe('')
    expect(jsonLines([event])).toBe(`${JSON.stringify(event)}\n`)
  })
})

describe('an export', () => {
  const log: Record<string, Activity> = {
    end: page({ events: events(5, 6), earlier: 'five' }),
    five: page({ events: events(3, 4), earlier: 'three' }),
    three: page({ events: events(1, 2) }),
  }
  const run = async (p: { from?: Gathered; most?: number; fail?: string; stopAt?: string } = {}) => {
    const stopping = new AbortController()
    const told: Gathered[] = []
    const read = async (before: string | undefined) => {
      if (before === p.fail && before !== undefined) throw new Error('refused')
      if (before === p.stopAt && before !== undefined) stopping.abort()
      return log[before ?? 'end'] ?? page({})
    }
    const tell = (so: Gathered) => void told.push(so)
    const whole = gather({
      from: p.from ?? nothingYet,
      format: 'jsonl',
      read,
      tell,
      signal: stopping.signal,
      ...(p.most && { most: p.most }),
    })
    return { whole: await whole.catch(() => null), told }
  }
  const idsIn = async (so: Gathered) =>
    (await fileOf(so, 'jsonl').text())
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as InstanceEvent).id)
      .join(' ')

  test('goes back page by page, and is a file with the oldest first', async () => {
    const { whole, told } = await run()
    expect(told.map(({ count }) => count)).toEqual([2, 4, 6])
    expect(whole && (await idsIn(whole))).toBe('1 2 3 4 5 6')
    expect(whole).toMatchObject({ isCut: false, before: null })
  })

  test('does not become larger than it may, and says that it is cut', async () => {
    const bytes = new TextEncoder().encode(jsonLines(events(5, 6))).length
    const { whole } = await run({ most: bytes * 2 })
    expect(whole).toMatchObject({ isCut: true, count: 4, before: 'three' })
    expect(whole && fileName(whole, 'csv', 'staging')).toBe('activity-staging-20300101T000000-20300101T000000-part.csv')
  })

  test('that was stopped, or refused, is gone on with where it was', async () => {
    for (const p of [{ stopAt: 'three' }, { fail: 'three' }]) {
      const first = (await run(p)).told.at(-1)
      expect(first).toMatchObject({ count: 4, before: 'three' })
      const { whole } = await run({ from: first ?? nothingYet })
      expect(whole && (await idsIn(whole))).toBe('1 2 3 4 5 6')
    }
  })

  test('of nothing is an empty file', () => {
    expect(fileName(nothingYet, 'jsonl', 'dev')).toBe('activity-dev-empty.jsonl')
  })
})

describe('an event reads as a sentence', () => {
  const what = (type: string, detail: Record<string, unknown> | null, instanceId: string | null = null) =>
    say(anEvent({ type, detail, instanceId, from: null, to: null })).what

  test('where no instance says it by itself', () => {
    expect(what('settings_changed', { minIdle: 5, maxTotal: null, paused: true, stuckTimeoutMs: 900_000, other: 1 })).toBe(
      'Settings changed: target 5, cap none, refill paused, time to become ready 15 minutes, other',
    )
    expect(what('key_created', { name: 'website', role: 'claimer' })).toBe('Key “website”, claimer, made')
    expect(what('breaker_opened', { image: `x@sha256:${'a'.repeat(64)}`, failures: 3 })).toBe(
      'Breaker of image aaaaaaaaaaaa opened after 3 failures',
    )
    expect(what('operation_begun', { kind: 'drain' })).toBe('Operation begun: drain')
    expect(what('claim_failed', null)).toBe('A claim failed')
    expect(what('claim_failed', null, 'k3v9x2m4q8za')).toBe('Its claim failed')
  })

  test('also of a type that this page does not know, and without the detail that it expects', () => {
    expect(what('moon_landed', null)).toBe('Moon landed')
    for (const type of ['settings_changed', 'key_created', 'image_wanted', 'breaker_opened', 'operation_begun', 'expires_at_set'])
      expect(() => what(type, null), type).not.toThrow()
  })

  test('who did it goes by the name of the key', () => {
    const keys = [{ id: 'k1', name: 'website' }]
    expect(['pool', 'key:pool', 'key:k1', 'key:k2', 'restore'].map((actor) => actorName(actor, keys))).toEqual([
      'the pool itself',
      "the pool's own key",
      'website',
      'key:k2',
      'restore',
    ])
  })
})

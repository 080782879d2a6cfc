import { type Counts, type FeedMessage, type Instance, type Operation, type PoolStatus, STATUSES } from '@convos/pool/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  intoActivity,
  intoHeard,
  intoInstance,
  intoInstances,
  intoOperation,
  intoOperations,
  intoStatus,
  STALE,
} from '../src/live/merge.ts'
import { aClaim, anEvent, anInstance, anOperation, aStatus } from './support/data.ts'

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const anyInstance = fc.record({ id, status: fc.constantFrom(...STATUSES) }).map((parts) => anInstance(parts))
const anyCounts: fc.Arbitrary<Counts> = fc
  .nat(9)
  .map((n) => ({ provisioning: n, idle: n + 1, claimed: n + 2, crashed: 0, stuck: 0 }))
const anyOperation = fc.record({ id, done: fc.nat(9) }).map((parts) => anOperation(parts))
const anyMessage: fc.Arbitrary<FeedMessage> = fc.oneof(
  anyInstance.map((data) => ({ event: 'instance' as const, data })),
  id.map((gone) => ({ event: 'instance' as const, data: { id: gone, deleted: true as const } })),
  anyCounts.map((data) => ({ event: 'counts' as const, data })),
  anyOperation.map((data) => ({ event: 'operation' as const, data })),
)
const anyNews = fc.array(anyMessage, { maxLength: 12 })
const anyStatus = fc.uniqueArray(anyInstance, { selector: (one) => one.id }).map((instances) => aStatus(instances))

/** The fleet as somebody knows it who writes every message down. */
function truth(instances: readonly Instance[], news: readonly FeedMessage[]): Map<string, Instance> {
  const known = new Map(instances.map((one) => [one.id, one]))
  for (const { event, data } of news) {
    if (event !== 'instance') continue
    if ('deleted' in data) known.delete(data.id)
    else known.set(data.id, data)
  }
  return known
}
const fresh = <T>(merged: T | typeof STALE): T => {
  if (merged === STALE) throw new Error('it is stale')
  return merged
}
const told = (status: PoolStatus, news: readonly FeedMessage[]) => fresh(intoStatus(status, news))
const byId = (instances: readonly Instance[]) => new Map(instances.map((one) => [one.id, one]))

describe('news of the pool', () => {
  test('leave every instance as it was told last, and none that is gone', () =>
    fc.assert(
      fc.property(anyStatus, anyNews, (status, news) => {
        expect(byId(told(status, news).instances)).toEqual(truth(status.instances, news))
        const counts = news.findLast((message) => message.event === 'counts')?.data
        expect(told(status, news).counts).toEqual(counts ?? status.counts)
        const after = told(status, news)
        expect(after.byStatus).toEqual(aStatus(after.instances).byStatus)
      }),
    ))

  test('may come in any portions, and twice', () =>
    fc.assert(
      fc.property(anyStatus, anyNews, anyNews, (status, first, second) => {
        const inTwo = told(told(status, first), second)
        const atOnce = told(status, [...first, ...second])
        expect(byId(inTwo.instances)).toEqual(byId(atOnce.instances))
        expect(inTwo.counts).toEqual(atOnce.counts)
        expect(told(atOnce, [...first, ...second])).toEqual(atOnce)
      }),
    ))

  test('move no row that stays, and touch no object of an instance that nothing was told of', () =>
    fc.assert(
      fc.property(anyStatus, anyNews, (status, news) => {
        const after = told(status, news).instances
        const named = new Set(news.flatMap(({ event, data }) => (event === 'instance' ? [data.id] : [])))
        const kept = status.instances.filter((one) => after.some((other) => other.id === one.id))
        const present = truth([], news)
        const still = after.filter((one) => status.instances.some((other) => other.id === one.id))
        expect(still.map((one) => one.id)).toEqual(kept.map((one) => one.id))
        for (const one of still) if (!named.has(one.id)) expect(status.instances).toContain(one)
        for (const one of still) if (named.has(one.id)) expect(one).toBe(present.get(one.id))
      }),
    ))

  test('that change nothing leave the very same data, so that nothing is drawn anew', () => {
    const status = aStatus([anInstance()])
    expect(intoStatus(status, [{ event: 'activity', data: anEvent() }])).toBe(status)
    expect(intoStatus(status, [{ event: 'instance', data: { id: 'unknown', deleted: true } }])).toBe(status)
  })

  test('of a new instance do not fit into a list that was cut off, nor into a page', () => {
    const news: FeedMessage[] = [{ event: 'instance', data: anInstance({ id: 'new' }) }]
    expect(intoStatus({ ...aStatus([]), truncated: true }, news)).toBe(STALE)
    expect(intoInstances({ instances: [anInstance()], nextCursor: null }, news)).toBe(STALE)
  })
})

test('a page of instances shows those it has as they are now', () => {
  const page = { instances: [anInstance({ id: 'a' }), anInstance({ id: 'b' })], nextCursor: 'more' }
  const merged = fresh(
    intoInstances(page, [
      { event: 'instance', data: anInstance({ id: 'b', status: 'stuck' }) },
      { event: 'instance', data: { id: 'a', deleted: true } },
    ]),
  )
  expect(merged).toEqual({ instances: [anInstance({ id: 'b', status: 'stuck' })], nextCursor: 'more' })
})

test('one instance gathers its own events, each once', () => {
  const instance = { ...anInstance({ id: 'a' }), events: [anEvent({ id: '1', instanceId: 'a' })] }
  const events = ['1', '2', '3'].map((n) => anEvent({ id: n, instanceId: n === '3' ? 'b' : 'a' }))
  const merged = fresh(
    intoInstance(
      instance,
      events.map((data) => ({ event: 'activity' as const, data })),
    ),
  )
  expect(merged.events.map((event) => event.id)).toEqual(['1', '2'])
  expect(intoInstance(instance, [{ event: 'instance', data: { id: 'a', deleted: true } }])).toBe(STALE)
})

test('operations are the latest first, each as it was told last', () =>
  fc.assert(
    fc.property(fc.uniqueArray(anyOperation, { selector: (one) => one.id }), anyNews, (operations, news) => {
      const merged = fresh(intoOperations({ operations }, news)).operations
      const last = new Map<string, Operation>(operations.map((one) => [one.id, one]))
      for (const { event, data } of news) if (event === 'operation') last.set(data.id, data)
      expect(new Map(merged.map((one) => [one.id, one]))).toEqual(last)
      for (const one of operations) expect(intoOperation(one, news)).toEqual(last.get(one.id))
    }),
  ))

test('claims are remembered as they were told last, the latest first', () => {
  const claims = ['a', 'b', 'a'].map((claimId, n) => aClaim({ claimId, status: n === 2 ? 'done' : 'running' }))
  const heard = fresh(
    intoHeard(
      [],
      claims.slice(0, 2).map((data) => ({ event: 'claim' as const, data })),
    ),
  )
  expect(heard.map((claim) => claim.claimId)).toEqual(['b', 'a'])
  const later = fresh(
    intoHeard(
      heard,
      claims.slice(2).map((data) => ({ event: 'claim' as const, data })),
    ),
  )
  expect(later.map((claim) => [claim.claimId, claim.status])).toEqual([
    ['a', 'done'],
    ['b', 'running'],
  ])
})

test('the log takes the events that pass its filter', () => {
  const into = intoActivity(({ type }) => type === 'ready')
  const page = { events: [], cursor: '1-1', more: false, earlier: null }
  const news = [anEvent({ id: '1', type: 'ready' }), anEvent({ id: '2', type: 'crashed' })]
  expect(
    fresh(
      into(
        page,
        news.map((data) => ({ event: 'activity' as const, data })),
      ),
    ).events.map((e) => e.id),
  ).toEqual(['1'])
})

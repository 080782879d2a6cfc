import type { Action, Status } from '@convos/pool/contract'
import { ACTIONS, actionsOf, STATUSES } from '@convos/pool/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ApiError } from '../src/api/errors.ts'
import { ACT, ACTS, planFor, unableTo } from '../src/fleet/acts.ts'
import { compare, intoPages, passes, rowsOf } from '../src/fleet/listing.ts'
import { creationOf } from '../src/fleet/panel/creation.ts'
import { newestFirst, tell } from '../src/fleet/panel/timeline.ts'
import { COLUMNS, FIRST_COLUMNS, type FleetView, listingOf, moved, searchFor, TABS, viewFrom } from '../src/fleet/view.ts'
import { intoWork, progressOf } from '../src/fleet/works/work.ts'
import { parseSearch, stringifySearch } from '../src/url.ts'
import { anEvent, anInstance, anOperation } from './support/data.ts'

const several = (count: number, status: Status, parts = {}) =>
  Array.from({ length: count }, (_, index) => anInstance({ id: `${status}${index}`, status, ...parts }))

test('the bulk sentence says how many of which status, and who is skipped', () => {
  expect(planFor('drain', [...several(3, 'ready'), ...several(2, 'claimed')]).sentence).toBe(
    'Drain 3 ready, 2 claimed will be skipped',
  )
  expect(planFor('kill', several(1, 'stuck')).sentence).toBe('Kill 1 stuck')
  expect(planFor('dismiss', several(2, 'ready')).sentence).toBe('Nothing to dismiss, 2 ready will be skipped')
  const kept = several(1, 'claimed', { id: 'kept', protected: true })
  expect(planFor('kill', [...several(2, 'ready'), ...several(1, 'starting'), ...kept]).sentence).toBe(
    'Kill 2 ready and 1 starting, 1 protected claimed will be skipped',
  )
})

test('who is skipped is told with the reason that pool gives', () => {
  expect(planFor('drain', [...several(1, 'ready'), ...several(2, 'claimed')]).skipped).toEqual([
    { why: 'only ready or starting instances can be drained', count: 2 },
  ])
})

test('an act is offered exactly where the capability table allows it', () => {
  const statuses = fc.record({ status: fc.constantFrom(...STATUSES), protected: fc.boolean() })
  fc.assert(
    fc.property(fc.array(statuses), fc.constantFrom(...ACTS), (all, act) => {
      const instances = all.map((one, index) => anInstance({ id: `i${index}`, ...one, actions: actionsOf(one) }))
      const plan = planFor(act, instances)
      const as: Action = ACT[act].as
      expect(ACTIONS).toContain(as)
      expect(plan.ids).toEqual(instances.filter(({ actions }) => actions[as] === true).map(({ id }) => id))
      expect(plan.ids.length + plan.skipped.reduce((sum, { count }) => sum + count, 0)).toBe(instances.length)
    }),
  )
})

test('an action that pool does not list is one that it does not offer', () => {
  expect(unableTo('recycle', anInstance({ actions: {} }))).toBe('this pool does not offer it')
})

const someView = fc.record({
  statuses: fc.subarray([...STATUSES]),
  text: fc.string(),
  template: fc.string(),
  owner: fc.string(),
  image: fc.string(),
  sort: fc.constantFrom('createdAt', 'agentName', 'status', 'lastActivityAt'),
  order: fc.constantFrom('asc', 'desc'),
  columns: fc.shuffledSubarray([...COLUMNS], { minLength: 1 }).filter((columns) => columns.includes('name')),
  compact: fc.boolean(),
  open: fc.string(),
  tab: fc.constantFrom(...TABS),
}) as fc.Arbitrary<FleetView>

test('every view survives its address', () => {
  fc.assert(
    fc.property(someView, (view) => {
      expect(viewFrom(parseSearch(stringifySearch(searchFor(view))))).toEqual(view)
    }),
  )
})

test('a plain address shows everything, newest first, and stays plain', () => {
  const view = viewFrom({})
  expect(view.columns).toEqual(FIRST_COLUMNS)
  expect(listingOf(view)).toMatchObject({ sort: 'createdAt', order: 'desc', status: undefined })
  expect(stringifySearch(searchFor(view))).toBe('')
  expect(viewFrom({ status: 'ready,dancing', sort: 'colour', order: 'up', tab: 'x' })).toEqual({ ...view, statuses: ['ready'] })
})

test('a column moves one place, and not beyond the end', () => {
  expect(moved(['status', 'name', 'age'], 'name', 1)).toEqual(['status', 'age', 'name'])
  expect(moved(['status', 'name'], 'status', -1)).toEqual(['status', 'name'])
})

test('news keep the loaded pages as the API would list them', () => {
  const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  const at = fc.integer({ min: 0, max: 5 }).map((n) => `2030-01-01T00:00:0${n}.000Z`)
  const one = fc
    .record({
      id: ids,
      createdAt: at,
      agentName: fc.option(fc.constantFrom('x', 'y', 'z')),
      status: fc.constantFrom(...STATUSES),
    })
    .map(anInstance)
  const listing = fc.record({
    sort: fc.constantFrom('createdAt' as const, 'agentName' as const, 'status' as const),
    order: fc.constantFrom('asc' as const, 'desc' as const),
    status: fc.option(fc.constant(['ready', 'claimed'] as Status[]), { nil: undefined }),
  })
  const fleet = fc.uniqueArray(one, { selector: ({ id }) => id })
  const news = fc.array(
    fc.oneof(
      one.map((data) => ({ event: 'instance' as const, data })),
      ids.map((id) => ({ event: 'instance' as const, data: { id, deleted: true as const } })),
    ),
  )
  fc.assert(
    fc.property(fleet, listing, news, (instances, by, told) => {
      const list = (all: typeof instances) => all.filter((x) => passes(by, x)).toSorted((a, b) => compare(by, a, b))
      const sorted = list(instances)
      const half = Math.ceil(sorted.length / 2)
      const whole = {
        pages: [
          { instances: sorted.slice(0, half), nextCursor: 'next' },
          { instances: sorted.slice(half), nextCursor: null },
        ],
        pageParams: [undefined, 'next'],
      }
      const now = new Map(instances.map((x) => [x.id, x]))
      for (const { data } of told) {
        if ('deleted' in data) now.delete(data.id)
        else now.set(data.id, data)
      }
      const merged = intoPages(by)(whole, told)
      if (typeof merged === 'symbol') throw new Error('it is never stale')
      expect(rowsOf(merged).map(({ id }) => id)).toEqual(list([...now.values()]).map(({ id }) => id))
    }),
  )
})

test('who belongs beyond what is loaded waits for its page', () => {
  const data = {
    pages: [{ instances: [anInstance({ id: 'b', createdAt: '2030-01-02' })], nextCursor: 'next' }],
    pageParams: [undefined],
  }
  const older = { event: 'instance' as const, data: anInstance({ id: 'a', createdAt: '2030-01-01' }) }
  expect(intoPages({ sort: 'createdAt', order: 'desc' })(data, [older])).toBe(data)
})

test('events are told as sentences with their cause and who did it', () => {
  expect(tell(anEvent())).toEqual({
    what: 'Became ready',
    cause: 'it answered ready and clean',
    by: null,
    move: { from: 'starting', to: 'ready' },
  })
  expect(tell(anEvent({ type: 'kill', from: 'claimed', to: 'deleting', reason: 'killed', actor: 'key:ops' }))).toMatchObject({
    what: 'Killed',
    by: 'key:ops',
  })
  const detail = { phase: { from: 'creating', to: 'deploy_failed' }, url: { from: null, to: 'https://a' } }
  expect(tell(anEvent({ type: 'observed', from: null, to: null, detail })).what).toBe('Now deploy failed; got its address')
  const tools = { tools: { from: [], to: [{ toolId: 'sms', state: 'user_provided' }] } }
  expect(tell(anEvent({ type: 'observed', from: null, to: null, detail: tools })).what).toBe('Tools: sms user provided')
  expect(tell(anEvent({ type: 'became_famous', from: null, to: null })).what).toBe('Became famous')
})

test('the timeline begins with the latest, whatever the order of arrival', () => {
  const events = ['2', '10', '9'].map((id) => anEvent({ id }))
  expect(newestFirst(events).map(({ id }) => id)).toEqual(['10', '9', '2'])
})

test('a creation is told phase by phase, with durations, retries and what went wrong', () => {
  const at = (second: number) => `2030-01-01T00:00:0${second}.000Z`
  const phase = (id: number, to: string) =>
    anEvent({ id: String(id), at: at(id), type: 'observed', from: null, to: null, detail: { phase: { to } } })
  const events = [
    anEvent({ id: '0', at: at(0), type: 'created', from: null, to: 'starting' }),
    phase(1, 'creating'),
    phase(2, 'deploying'),
    phase(4, 'deploy_failed'),
    phase(5, 'deploying'),
  ]
  expect(creationOf(events.toReversed()).map(({ name, ms, state, attempt }) => [name, ms, state, attempt])).toEqual([
    ['Asked for', 1000, 'done', 1],
    ['Making its resources', 1000, 'done', 1],
    ['Deploying', 2000, 'done', 1],
    ['Deployment failed', 1000, 'failed', 1],
    ['Deploying', null, 'running', 2],
  ])
  const stuck = anEvent({ id: '8', at: at(8), type: 'creation_failed', to: 'stuck', reason: 'it did not become ready in time' })
  expect(creationOf([...events, stuck]).at(-1)).toMatchObject({
    ms: 3000,
    state: 'failed',
    error: 'it did not become ready in time',
  })
})

test('progress adds up what was begun, what was refused and what failed', () => {
  const refusal = new ApiError({ code: 'PROTECTED', status: 409, detail: 'it is protected' })
  const work = {
    asked: 3,
    operations: [anOperation({ id: 'op_1', total: 1 }), anOperation({ id: 'op_2', total: 1, done: 1, state: 'done' })],
    refused: [{ instanceId: 'ccc', error: refusal }],
  }
  expect(progressOf(work)).toMatchObject({ done: 1, failed: 1, total: 3, over: false })
  const after = intoWork(work, [
    { event: 'operation', data: anOperation({ id: 'op_1', total: 1, done: 1, state: 'done' }) },
    { event: 'operation', data: anOperation({ id: 'op_9' }) },
  ])
  if (typeof after === 'symbol') throw new Error('it is never stale')
  expect(after.operations).toHaveLength(2)
  expect(progressOf(after)).toMatchObject({ done: 2, failed: 1, over: true, refusals: [{ ids: ['ccc'], error: refusal }] })
})

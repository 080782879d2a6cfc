import fc from 'fast-check'
import { FAULTS_OF_CALLS } from './faults.ts'

/** Printed plainly in counterexamples. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true })

const nth = fc.nat(7)
const replica = fc.nat(2)
const when = fc.constantFrom('before' as const, 'after' as const)
const principal = fc.constantFrom('key:alice', 'key:bob')
const kind = <K extends string>(name: K) => fc.constant(name)

/** What becomes of boxes; what is named more often happens more often. */
const HAPPENINGS = ['dies', 'dies', 'revives', 'dirty', 'forgets', 'foreign', 'letIn', 'letIn', 'refuse'] as const

const claim = record({
  kind: kind('claim'),
  replica,
  principal,
  /** Few, so that claims meet. */
  key: fc.constantFrom(null, 'k1', 'k2', 'k3'),
  invite: fc.constantFrom(null, 'a', 'b'),
  waitMs: fc.constantFrom(0, 5_000, 60_000),
  name: fc.constantFrom('Ada', 'Ada', 'Ada', 'Bo'),
})

/**
 * A replica stands still in the middle of a claim for longer than its leases last, and others take over; then it goes on. What
 * every guard of a claim on its box is for, and too rare to wait for.
 */
const stall = record({
  kind: kind('stall'),
  claim,
  /** The step that it is about to take. */
  before: fc.constantFrom('answer reachable', 'sql mark_touched', 'call configure', 'answer configure', 'sql keep_box'),
  ms: fc.constantFrom(16_000, 61_000),
  next: claim,
  /** And the one that the next claim is about to take when it goes on. */
  nextBefore: fc.constantFrom('sql mark_touched', 'call configure', 'answer configure'),
})

/** What may happen next. Whatever a command needs is looked up when its turn comes, so that any sequence of them makes sense. */
const anyCommand = fc.oneof(
  { weight: 12, arbitrary: claim },
  { weight: 10, arbitrary: record({ kind: kind('run'), steps: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 4, arbitrary: record({ kind: kind('settle') }) },
  {
    weight: 6,
    arbitrary: record({ kind: kind('advance'), ms: fc.constantFrom(100, 1_000, 5_000, 12_000, 20_000, 31_000, 50_000, 70_000) }),
  },
  { weight: 6, arbitrary: record({ kind: kind('fault'), fault: fc.constantFrom(...FAULTS_OF_CALLS) }) },
  { weight: 1, arbitrary: record({ kind: kind('break'), in: fc.nat(20), when }) },
  { weight: 2, arbitrary: record({ kind: kind('release'), nth }) },
  { weight: 4, arbitrary: record({ kind: kind('crash'), replica, in: fc.nat(25), when }) },
  { weight: 1, arbitrary: record({ kind: kind('stop'), replica }) },
  { weight: 2, arbitrary: record({ kind: kind('freeze'), replica }) },
  { weight: 2, arbitrary: record({ kind: kind('thaw') }) },
  { weight: 2, arbitrary: stall },
  {
    weight: 4,
    arbitrary: record({
      kind: kind('box'),
      nth,
      what: fc.constantFrom(...HAPPENINGS),
    }),
  },
  { weight: 1, arbitrary: record({ kind: kind('warmUp'), next: fc.constantFrom('slow' as const, 'fails' as const) }) },
  {
    weight: 3,
    arbitrary: record({
      kind: kind('end'),
      replica,
      nth,
      how: fc.constantFrom('kill' as const, 'giveUp' as const, 'leave' as const, 'expire' as const),
    }),
  },
  { weight: 1, arbitrary: record({ kind: kind('push'), image: fc.constantFrom('good' as const, 'bad' as const) }) },
  {
    weight: 1,
    arbitrary: record({ kind: kind('set'), replica, minIdle: fc.constantFrom(0, 1, 2, 3, 4), paused: fc.boolean() }),
  },
  { weight: 1, arbitrary: record({ kind: kind('rollout'), replica }) },
  { weight: 1, arbitrary: record({ kind: kind('drain'), replica, count: fc.constantFrom(1, 2, null) }) },
  { weight: 1, arbitrary: record({ kind: kind('replenish'), replica, count: fc.constantFrom(1, null) }) },
)

export type Command = typeof anyCommand extends fc.Arbitrary<infer T> ? T : never
export const KINDS: readonly Command['kind'][] = [
  'claim',
  'run',
  'settle',
  'advance',
  'fault',
  'break',
  'release',
  'crash',
  'stop',
  'freeze',
  'thaw',
  'stall',
  'box',
  'warmUp',
  'end',
  'push',
  'set',
  'rollout',
  'drain',
  'replenish',
]

export interface History {
  /** Of the order in which the steps of the replicas take place. */
  seed: number
  commands: Command[]
}

export const histories: fc.Arbitrary<History> = record({
  seed: fc.integer(),
  commands: fc.array(anyCommand, { minLength: 20, maxLength: 40, size: 'max' }),
})

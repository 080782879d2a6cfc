import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ToolLedgerRow } from '../../src/db/reconcile.ts'
import { STRAY_AGE, STRAY_SIGHTINGS_APART } from '../../src/limits.ts'
import { keyOf, markerOf, ownerOf } from '../../src/naming.ts'
import { type Entry, isMissing, judge, type Scene, type Sighting } from '../../src/reconcile/judge.ts'
import { placeEntry, toolEntry } from '../../src/reconcile/sources.ts'

const NOW = new Date('2030-01-01T12:00:00Z')
const ago = (ms: number) => new Date(NOW.getTime() - ms)
const ID = 'abcdefghijkl'

/** Old enough, and seen long enough ago. */
const stray = (over: Partial<Sighting> = {}): Sighting => ({
  resourceId: 'stray',
  instanceId: ID,
  generation: 1,
  createdAt: ago(STRAY_AGE),
  firstSeenAt: ago(STRAY_SIGHTINGS_APART),
  ...over,
})
const row = (over: Partial<Entry> = {}): Entry => ({
  instanceId: ID,
  generation: 1,
  standing: 'gone',
  resourceId: null,
  instanceGone: false,
  busy: false,
  ageMs: 0,
  ...over,
})
const scene = (over: Partial<Scene> = {}): Scene => ({
  now: NOW,
  listed: new Set(['stray', 'named']),
  secondIsLeftover: true,
  ...over,
})

describe('what carries our key and the ledger does not name', () => {
  test.each<
    [what: string, verdict: 'report' | 'wait' | 'destroy', entry: Entry[], over?: Partial<Sighting>, scene?: Partial<Scene>]
  >([
    ['of an instance without a row', 'report', []],
    ['of an instance that another one’s row speaks of', 'report', [row({ instanceId: 'another00000' })]],
    ['of a generation that the ledger never had', 'report', [row()], { generation: 2 }],
    ['of an id wished away before it was ever made here', 'report', [row({ standing: 'never' })]],
    ['beside one that cannot be deleted', 'report', [row({ standing: 'kept', resourceId: 'named' })]],
    ['while a creation may be under way', 'wait', [row({ standing: 'coming' })]],
    ['while its undoing is under way', 'wait', [row({ standing: 'going' })]],
    ['of a tombstone', 'destroy', [row()]],
    ['named by a tombstone', 'destroy', [row({ resourceId: 'stray' })]],
    ['of a later generation of a tombstone', 'destroy', [row({ instanceGone: true, standing: 'kept' })], { generation: 2 }],
    ['of a tombstone whose instance is being changed', 'wait', [row({ busy: true })]],
    ['of a tombstone, younger than 15 min', 'wait', [row()], { createdAt: ago(STRAY_AGE - 1) }],
    ['of a tombstone, seen now for the first time', 'wait', [row()], { firstSeenAt: null }],
    ['of a tombstone, seen again too soon', 'wait', [row()], { firstSeenAt: ago(STRAY_SIGHTINGS_APART - 1) }],
    ['of unknown age, first seen a while ago', 'wait', [row()], { createdAt: null, firstSeenAt: ago(STRAY_AGE - 1) }],
    ['of unknown age, first seen long ago', 'destroy', [row()], { createdAt: null, firstSeenAt: ago(STRAY_AGE) }],
    ['beside the live one', 'destroy', [row({ standing: 'live', resourceId: 'named' })]],
    ['in place of the live one', 'report', [row({ standing: 'live', resourceId: 'not there' })]],
    [
      'beside a place that is lived in',
      'report',
      [row({ standing: 'live', resourceId: 'named' })],
      {},
      { secondIsLeftover: false },
    ],
  ])('%s: %s', (_what, action, ledger, over, circumstances) => {
    expect(judge(stray(over), ledger, scene(circumstances))).toMatchObject({ action })
  })

  test('what a row names is none of them, whatever else there is', () => {
    const named = row({ standing: 'live', resourceId: 'stray' })
    for (const other of [row(), row({ standing: 'kept', resourceId: 'stray' }), row({ generation: 2 })])
      expect(judge(stray(), [other, named], scene())).toBeNull()
    expect(judge(stray(), [row({ standing: 'kept', resourceId: 'stray' })], scene())).toBeNull()
  })

  test('every reason is a sentence for somebody who was woken up', () => {
    const ledgers = [[], ...(['never', 'kept', 'coming', 'going', 'gone'] as const).map((standing) => [row({ standing })])]
    for (const ledger of ledgers) expect(judge(stray(), ledger, scene())?.reason).toMatch(/^[a-z].{20,}[^.]$/)
  })
})

const standings = fc.constantFrom<Entry['standing']>('coming', 'live', 'going', 'gone', 'kept', 'never')
const ids = fc.constantFrom('stray', 'named', 'elsewhere')
const times = fc.option(fc.integer({ min: 0, max: 2 * STRAY_AGE }).map(ago))
const entries = fc.record<Entry>({
  instanceId: fc.constantFrom(ID, 'another00000'),
  generation: fc.integer({ min: 1, max: 2 }),
  standing: standings,
  resourceId: fc.option(ids),
  instanceGone: fc.boolean(),
  busy: fc.boolean(),
  ageMs: fc.nat(),
})
const sightings = fc.record<Sighting>({
  resourceId: ids,
  instanceId: fc.constant(ID),
  generation: fc.integer({ min: 1, max: 2 }),
  createdAt: times,
  firstSeenAt: times,
})
const scenes = fc.record<Scene>({
  now: fc.constant(NOW),
  listed: fc.subarray(['named', 'elsewhere']).map((others) => new Set(['stray', ...others])),
  secondIsLeftover: fc.boolean(),
})

test('it is destroyed only on a row of its own, with nobody at it, on old evidence, and never what a live row names', () =>
  fc.assert(
    fc.property(sightings, fc.array(entries, { maxLength: 4 }), scenes, (sighting, ledger, where) => {
      if (judge(sighting, ledger, where)?.action !== 'destroy') return
      const all = ledger.filter((e) => e.instanceId === ID && !e.busy)
      const own = all.filter((e) => e.generation === sighting.generation)
      const leftover = own.some((e) => e.standing === 'gone' || (e.standing === 'live' && where.secondIsLeftover))
      expect(leftover || all.some((e) => e.instanceGone)).toBe(true)
      expect(own.some((e) => e.standing !== 'gone' && e.resourceId === sighting.resourceId)).toBe(false)
      expect(sighting.firstSeenAt).not.toBeNull()
      expect(NOW.getTime() - Number(sighting.firstSeenAt)).toBeGreaterThanOrEqual(STRAY_SIGHTINGS_APART)
      expect(NOW.getTime() - Number(sighting.createdAt ?? sighting.firstSeenAt)).toBeGreaterThanOrEqual(STRAY_AGE)
    }),
    { numRuns: 2_000 },
  ))

test('a row misses something only when it names one, is older than lists lag behind, and the list lacks it', () => {
  const live = row({ standing: 'live', resourceId: 'lost', ageMs: 31_001 })
  expect(isMissing(live, new Set(), 31_000)).toBe(true)
  expect(isMissing(live, new Set(['lost']), 31_000)).toBe(false)
  expect(isMissing({ ...live, ageMs: 31_000 }, new Set(), 31_000)).toBe(false)
  for (const standing of ['coming', 'going', 'gone', 'kept', 'never'] as const)
    expect(isMissing({ ...live, standing }, new Set(), 31_000)).toBe(false)
})

describe('how a row stands', () => {
  const base = { instanceId: ID, busy: false, ageMs: 0 }
  const place = { ...base, wish: 'present', phase: 'running', place: {}, neverMade: false } as const
  test.each([
    [place, 'root', 'live'],
    [{ ...place, phase: 'creating' }, null, 'coming'],
    [{ ...place, phase: 'deploy_failed' }, 'root', 'live'],
    [{ ...place, wish: 'absent' }, 'root', 'going'],
    [{ ...place, wish: 'absent', phase: 'destroying' }, null, 'going'],
    [{ ...place, wish: 'absent', phase: 'destroyed' }, 'root', 'gone'],
    [{ ...place, wish: 'absent', phase: 'destroyed', neverMade: true }, null, 'never'],
  ] as const)('an instance, %o at %s: %s', (ledger, root, standing) => {
    expect(placeEntry(ledger, root)).toMatchObject({ standing, resourceId: root })
  })
  test.each<[ToolLedgerRow['state'], string | null, Entry['standing']]>([
    ['creating', null, 'coming'],
    ['active', 'id', 'live'],
    ['failed', null, 'coming'],
    ['failed', 'id', 'live'],
    ['destroying', 'id', 'going'],
    ['destroyed', 'id', 'gone'],
    ['retained', 'id', 'kept'],
  ])('a resource, %s with %s: %s', (state, resourceId, standing) => {
    expect(toolEntry({ ...base, instanceGone: false, generation: 1, state, resourceId })).toMatchObject({ standing })
  })
})

describe('keys', () => {
  const ours = (id: string) => markerOf({ deploymentId: '0a1b2c3d', environment: 'dev' }, id)
  const instanceIds = fc.stringMatching(/^[a-z0-9]{12}$/)
  test('every key of ours tells its instance and generation', () =>
    fc.assert(
      fc.property(instanceIds, fc.integer({ min: 1, max: 99_999 }), (instanceId, generation) => {
        expect(ownerOf(ours, keyOf(ours(instanceId), generation))).toEqual({ instanceId, generation })
      }),
    ))
  test.each([
    ['another deployment’s', 'convos:ffffffff:dev:abcdefghijkl'],
    ['another environment’s', 'convos:0a1b2c3d:production:abcdefghijkl'],
    ['a longer environment’s', 'convos:0a1b2c3d:dev:x:abcdefghijkl'],
    ['no instance’s', 'convos:0a1b2c3d:dev:'],
    ['somebody’s words', 'my key'],
    ['more than a marker', 'convos:0a1b2c3d:dev:abcdefghijkl and more'],
    ['the first one’s, numbered', 'convos:0a1b2c3d:dev:abcdefghijkl:1'],
  ])('%s is not ours', (_whose, key) => {
    expect(ownerOf(ours, key)).toBeNull()
  })
})

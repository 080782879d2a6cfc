import type { StatusDetail } from '@convos/services/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { STATUSES } from '../src/contract/index.ts'
import type { FleetRow } from '../src/db/instances.ts'
import { allowed } from '../src/fleet/lifecycle.ts'
import { LIMITS } from '../src/limits.ts'
import { type Decision, decide, observe } from '../src/fleet/status.ts'

const NOW = new Date('2030-01-01T12:00:00Z')
const limits = { ...LIMITS, stuckTimeoutMs: 900_000, pendingTimeoutMs: 86_400_000 }
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000)
const isoAgo = (seconds: number) => ago(seconds).toISOString()

const row = (p: Partial<FleetRow> = {}): FleetRow => ({
  id: 'abcdefghijkl',
  status: 'starting',
  status_reason: null,
  status_since: ago(3600),
  claim_id: null,
  touched_at: null,
  agent_name: null,
  model: null,
  url: null,
  image: null,
  phase: null,
  phase_since: null,
  health: null,
  tools: [],
  last_activity_at: null,
  conversation_id: null,
  invite_url: null,
  principal: null,
  owner_id: null,
  owner_address: null,
  parent_instance: null,
  template_id: null,
  template_version: null,
  template_synced_at: null,
  protected: false,
  expires_at: null,
  created_at: ago(3600),
  ready_at: null,
  claimed_at: null,
  keeps_claim: false,
  read_at: NOW,
  ...p,
})
const owned = (status: 'claiming' | 'pending' | 'claimed' | 'crashed', p: Partial<FleetRow> = {}) =>
  row({ status, claim_id: 'mine', touched_at: ago(3000), conversation_id: 'ours', keeps_claim: true, ...p })

const health = (p: Partial<NonNullable<StatusDetail['health']>> = {}): NonNullable<StatusDetail['health']> => ({
  ready: true,
  clean: true,
  binding: 'none',
  conversationId: null,
  inviteUrl: null,
  claimId: null,
  version: '1',
  lastActivityAt: null,
  at: isoAgo(5),
  ...p,
})
const bound = { clean: false, binding: 'active', conversationId: 'ours', claimId: 'mine' } as const
const detail = (p: Partial<StatusDetail> = {}): StatusDetail => ({
  state: 'healthy',
  phaseSince: null,
  deploymentStartedAt: isoAgo(3600),
  failures: 0,
  failingSince: null,
  url: null,
  image: null,
  tools: [],
  health: health(),
  ...p,
})
const failing = (seconds: number, p: Partial<StatusDetail> = {}) =>
  detail({ state: 'unreachable', failures: 3, failingSince: isoAgo(seconds), health: null, ...p })

const outcome = (decision: Decision | null) => {
  if (decision?.kind !== 'move') return decision?.kind ?? null
  const { to, type } = decision.move
  return to === type ? to : `${to} (${type})`
}
const after = (r: FleetRow, d: StatusDetail | undefined) => outcome(decide(r, d, NOW, limits))

describe('a starting instance', () => {
  test.each<[string, StatusDetail | undefined, string | null]>([
    ['answers ready and clean, a moment ago', detail(), 'ready'],
    ['answered so too long ago', detail({ health: health({ at: isoAgo(31) }) }), null],
    [
      'has a failed probe since its good answer',
      detail({ failures: 1, failingSince: isoAgo(1), deploymentStartedAt: isoAgo(60) }),
      null,
    ],
    ['is not clean yet', detail({ health: health({ clean: false }), deploymentStartedAt: isoAgo(60) }), null],
    ['is not ready yet', detail({ health: health({ ready: false }), deploymentStartedAt: isoAgo(60) }), null],
    ['never got clean', detail({ health: health({ clean: false }) }), 'stuck (creation_failed)'],
    ['is bound to somebody', detail({ health: health(bound) }), 'crashed (foreign_claim)'],
    ['could not be deployed', detail({ state: 'deploy_failed', health: null }), 'stuck (creation_failed)'],
    ['queued for an hour', detail({ state: 'queued', deploymentStartedAt: null, health: null }), null],
    ['does not answer within its deployment’s time', failing(600), null],
    ['did not answer for all of its time', failing(900), 'stuck (creation_failed)'],
    ['is young, whatever failed before its deployment', failing(3600, { deploymentStartedAt: isoAgo(60) }), null],
    ['was never heard of', detail({ state: 'absent' }), 'create'],
    ['was destroyed', detail({ state: 'destroyed' }), 'deleting (gone)'],
    ['is in an unknown state', detail({ state: 'unknown' }), null],
    ['is missing in the answer', undefined, null],
  ])('that %s', (_what, d, expected) => expect(after(row(), d)).toBe(expected))
})

describe('a ready instance', () => {
  test.each<[string, StatusDetail | undefined, string | null]>([
    ['goes on answering', detail(), null],
    ['failed twice', detail({ failures: 2, failingSince: isoAgo(60) }), null],
    ['failed three times within 19 s', failing(19), null],
    ['failed three times over 20 s', failing(20), 'stuck'],
    ['is not clean', detail({ health: health({ clean: false }) }), 'stuck'],
    ['is bound to somebody', detail({ health: health({ claimId: 'theirs' }) }), 'crashed (foreign_claim)'],
    ['was never heard of', detail({ state: 'absent' }), 'deleting (gone)'],
    ['is in an unknown state', detail({ state: 'unknown', failures: 9, failingSince: isoAgo(999) }), null],
  ])('that %s', (_what, d, expected) => expect(after(row({ status: 'ready' }), d)).toBe(expected))
})

describe('a claimed instance', () => {
  test.each<[string, StatusDetail | undefined, string | null]>([
    ['answers with its conversation', detail({ health: health(bound) }), null],
    ['failed three times within 59 s', failing(59), null],
    ['failed three times over 60 s', failing(60), 'crashed'],
    ['could not be deployed', detail({ state: 'deploy_failed', health: health(bound) }), 'crashed'],
    ['lost its conversation', detail({ health: health() }), 'crashed'],
    ['is silent while it is deployed anew', failing(600, { state: 'deploying', deploymentStartedAt: isoAgo(600) }), null],
    ['failed before, and is deployed anew', failing(3600, { state: 'deploying', deploymentStartedAt: isoAgo(600) }), null],
    ['is silent for all of the time of its deployment', failing(900, { state: 'deploying' }), 'crashed'],
    ['has no conversation yet while it is deployed anew', detail({ state: 'deploying', health: health() }), null],
    ['answers another claim’s', detail({ health: health({ ...bound, claimId: 'theirs' }) }), 'crashed (foreign_claim)'],
    ['is absent', detail({ state: 'absent' }), 'crashed'],
    ['is being destroyed', detail({ state: 'destroying' }), null],
    ['is in an unknown state', detail({ state: 'unknown' }), null],
  ])('that %s', (_what, d, expected) => expect(after(owned('claimed'), d)).toBe(expected))

  test('is not judged by a probe from before it was claimed', () =>
    expect(after(owned('claimed', { status_since: ago(3) }), detail())).toBeNull())
})

describe('a crashed instance', () => {
  test('comes back with the same conversation, and with no other', () => {
    expect(after(owned('crashed'), detail({ health: health(bound) }))).toBe('claimed (recovered)')
    expect(after(owned('crashed'), detail({ health: health({ ...bound, conversationId: 'other' }) }))).toBeNull()
    expect(after(owned('crashed', { claim_id: null }), detail({ health: health(bound) }))).toBeNull()
    expect(after(owned('crashed'), detail({ state: 'absent' }))).toBeNull()
  })
})

describe('a pending instance', () => {
  const pending = (since: number) => owned('pending', { conversation_id: null, status_since: ago(since) })
  test.each<[string, FleetRow, StatusDetail, string | null]>([
    ['is let in', pending(60), detail({ health: health(bound) }), 'admit'],
    ['still waits', pending(60), detail({ health: health({ ...bound, binding: 'pending', conversationId: null }) }), null],
    ['is refused', pending(60), detail({ health: health({ ...bound, binding: 'refused', conversationId: null }) }), 'withdraw'],
    ['waited too long', pending(86_400), detail({ health: health({ ...bound, binding: 'pending' }) }), 'withdraw'],
    ['does not answer after its time', pending(86_500), failing(600), 'withdraw'],
    ['is silent for an hour after its time', pending(90_000), failing(3600), 'crashed'],
  ])('that %s', (_what, r, d, expected) => expect(after(r, d)).toBe(expected))
})

describe('a stuck instance', () => {
  const stuck = (p: Partial<FleetRow> = {}) => row({ status: 'stuck', ...p })
  test.each<[string, FleetRow, StatusDetail, string | null]>([
    ['was never touched and proves clean comes back', stuck(), detail(), 'ready'],
    ['was touched and proves clean goes', stuck({ touched_at: ago(60), claim_id: 'c' }), detail(), 'deleting (auto_destroy)'],
    [
      'whose claim is not known as failed stays',
      stuck({ touched_at: ago(60), claim_id: 'c', keeps_claim: true }),
      detail(),
      null,
    ],
    [
      'is bound to its failed claim goes',
      stuck({ touched_at: ago(60), claim_id: 'mine' }),
      detail({ health: health(bound) }),
      'deleting (auto_destroy)',
    ],
    [
      'is bound to another claim is kept',
      stuck({ touched_at: ago(60), claim_id: 'c' }),
      detail({ health: health(bound) }),
      'crashed (foreign_claim)',
    ],
    ['could not be deployed goes', stuck(), detail({ state: 'deploy_failed', health: null }), 'deleting (auto_destroy)'],
    ['stopped answering a minute ago stays', stuck(), failing(60), null],
    ['does not answer for all of its time goes', stuck(), failing(900), 'deleting (auto_destroy)'],
  ])('that %s', (_what, r, d, expected) => expect(after(r, d)).toBe(expected))
})

describe('a deleting instance', () => {
  const deleting = row({ status: 'deleting', status_since: ago(60) })
  test('is removed once it is destroyed, or unknown for long enough', () => {
    expect(after(deleting, detail({ state: 'destroyed' }))).toBe('remove')
    expect(after(deleting, detail({ state: 'absent' }))).toBe('remove')
    expect(after({ ...deleting, status_since: ago(5) }, detail({ state: 'absent' }))).toBeNull()
    // services took its time to answer: a creation may have arrived since it said so
    expect(after({ ...deleting, status_since: ago(20), read_at: ago(15) }, detail({ state: 'absent' }))).toBeNull()
    expect(after(deleting, detail({ state: 'destroying' }))).toBeNull()
    expect(after(deleting, detail())).toBe('destroy')
  })
})

test('only a date that was set ends an agent, and not a protected one', () => {
  const over = { expires_at: ago(1) }
  expect(after(owned('claimed', over), undefined)).toBe('deleting (expired)')
  expect(after(owned('claimed', { ...over, protected: true }), undefined)).toBeNull()
  expect(after(owned('claimed', { expires_at: ago(-1) }), undefined)).toBeNull()
  const theirs = detail({ health: health({ binding: 'active', conversationId: 'theirs', claimId: 'theirs' }) })
  expect(after(owned('claimed', over), theirs)).toBe('crashed (foreign_claim)')
})

const secondsAgo = fc.integer({ min: -60, max: 200_000 })
const rows = fc.record({
  status: fc.constantFrom(...STATUSES),
  since: secondsAgo,
  claim: fc.constantFrom(null, 'mine'),
  touched: fc.boolean(),
  conversation: fc.constantFrom(null, 'ours'),
  keeps: fc.boolean(),
})
const details = fc.record({
  state: fc.constantFrom(
    'absent',
    'queued',
    'creating',
    'deploying',
    'deploy_failed',
    'healthy',
    'unreachable',
    'destroying',
    'destroyed',
    'unknown',
  ),
  failures: fc.integer({ min: 0, max: 9 }),
  failingFor: secondsAgo,
  deployedFor: fc.option(secondsAgo),
  answered: fc.option(
    fc.record({
      ready: fc.boolean(),
      clean: fc.boolean(),
      binding: fc.constantFrom('none', 'working', 'pending', 'active', 'refused'),
      claimId: fc.constantFrom(null, 'mine', 'theirs'),
      conversationId: fc.constantFrom(null, 'ours', 'other'),
      ago: secondsAgo,
    }),
  ),
})

describe('whatever services answers', () => {
  const cases = fc.record({ r: rows, d: details }).map(({ r, d }) => ({
    r: row({
      status: r.status,
      status_since: ago(r.since),
      claim_id: r.claim,
      touched_at: r.touched ? ago(r.since) : null,
      conversation_id: r.conversation,
      keeps_claim: r.keeps,
    }),
    d: detail({
      state: d.state,
      failures: d.failures,
      failingSince: d.failures > 0 ? isoAgo(d.failingFor) : null,
      deploymentStartedAt: d.deployedFor === null ? null : isoAgo(d.deployedFor),
      health: d.answered && health({ ...d.answered, at: isoAgo(d.answered.ago) }),
    }),
  }))

  test('no move leaves the table of statuses', () =>
    fc.assert(
      fc.property(cases, ({ r, d }) => {
        const decision = decide(r, d, NOW, limits)
        if (decision?.kind === 'move') expect(allowed(r.status, decision.move.to)).toBe(true)
      }),
      { numRuns: 2_000 },
    ))

  test('nobody’s agent is destroyed, nothing unproven is handed out, and unknown changes nothing', () =>
    fc.assert(
      fc.property(cases, ({ r, d }) => {
        const to = after(r, d)
        if (['claiming', 'pending', 'claimed', 'crashed'].includes(r.status))
          expect(to ?? '').not.toMatch(/^(deleting|remove|destroy)/)
        if (to === 'ready') {
          expect(d.health).toMatchObject({ ready: true, clean: true, binding: 'none', claimId: null, conversationId: null })
          expect([r.touched_at, d.state, d.failures]).toEqual([r.status === 'starting' ? r.touched_at : null, 'healthy', 0])
        }
        if (d.state === 'unknown') expect(to).toBeNull()
      }),
      { numRuns: 2_000 },
    ))
})

test('an observation is written when it says something new, not for the time of the probe alone', () => {
  const shown = row({ phase: 'healthy', health: { ready: true, clean: true, binding: 'none', at: isoAgo(10) } })
  expect(observe(shown, detail(), limits)).toBeNull()
  expect(observe(shown, detail({ health: health({ clean: false }) }), limits)).toMatchObject({ health: { clean: false } })
  expect(observe(shown, detail({ url: 'http://x' }), limits)).toMatchObject({ url: 'http://x' })
  expect(observe(shown, detail({ state: 'unknown' }), limits)).toBeNull()
})

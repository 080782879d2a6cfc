import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVault, drawToken } from '../src/crypto.ts'
import type { Phase } from '../src/db/instances.ts'
import type { LogEntry } from '../src/db/saga-log.ts'
import { ProviderError, type ProviderErrorKind } from '../src/infra/errors.ts'
import { verdictOf } from '../src/infra/railway/verdict.ts'
import { detailOf, shortStateOf, stateOf } from '../src/instance/status.ts'
import { stepsOf } from '../src/instance/steps.ts'
import { RETRY_CAP } from '../src/limits.ts'
import { findingOf } from '../src/lookup.ts'
import { markerOf, projectName } from '../src/naming.ts'
import { nextProbeMs } from '../src/probe.ts'
import { afterFailure } from '../src/runner.ts'
import { NotYet } from '../src/saga.ts'

const instanceIds = fc.stringMatching(/^[a-z0-9]{12}$/)
const phases = fc.constantFrom<Phase[]>('queued', 'creating', 'deploying', 'running', 'deploy_failed', 'destroying', 'destroyed')

describe('names', () => {
  test('a project name fits, holds the instance id, and is made of plain characters, whatever the environment is called', () =>
    fc.assert(
      fc.property(fc.string(), instanceIds, (environment, id) => {
        const name = projectName(environment, id)
        expect(name.length).toBeLessThanOrEqual(32)
        expect(name).toMatch(/^convos-[a-z0-9-]+$/)
        expect(name.endsWith(id)).toBe(true)
      }),
    ))
  test('for the environments there are', () => {
    expect(['dev', 'staging', 'production'].map((environment) => projectName(environment, 'abcdefghijkl'))).toEqual([
      'convos-dev-abcdefghijkl',
      'convos-staging-abcdefghijkl',
      'convos-production-abcdefghijkl',
    ])
  })
  test('a marker tells deployment, environment and instance', () => {
    expect(markerOf({ deploymentId: '0a1b2c3d', environment: 'dev' }, 'abcdefghijkl')).toBe('convos:0a1b2c3d:dev:abcdefghijkl')
  })
})

describe('the vault', () => {
  const key = (id: string) => ({ id, key: randomBytes(32) })
  test('what is sealed opens in its place only', () => {
    const vault = createVault([key('k1')])
    fc.assert(fc.property(fc.string(), (text) => vault.open(vault.seal(text, 'a/b/c'), 'a/b/c') === text))
    const sealed = vault.seal('secret', 'a/b/c')
    expect(sealed).toMatch(/^v1\.k1\./)
    expect(sealed).not.toContain('secret')
    expect(() => vault.open(sealed, 'a/b/d')).toThrow()
    expect(() => vault.open(`${sealed.slice(0, -2)}AA`, 'a/b/c')).toThrow()
    expect(() => vault.open('plain', 'a/b/c')).toThrow('does not hold a sealed value')
  })
  test('an older key still opens what it sealed, an unknown one is named', () => {
    const [older, newer] = [key('old'), key('new')]
    const sealed = createVault([older]).seal('text', 'p')
    expect(createVault([newer, older]).open(sealed, 'p')).toBe('text')
    expect(() => createVault([newer]).open(sealed, 'p')).toThrow('"old"')
  })
  test('tokens are 32 random bytes', () => {
    expect(drawToken()).toMatch(/^[0-9a-f]{64}$/)
    expect(drawToken()).not.toBe(drawToken())
  })
})

describe('where an instance stands', () => {
  const health = {
    ready: true,
    clean: true,
    version: '1',
    binding: 'none' as const,
    conversationId: null,
    inviteUrl: null,
    claimId: null,
    lastActivityAt: null,
  }
  const row = { wish: 'present' as const, phase: 'running' as Phase, failures: 0, health }
  test.each([
    [undefined, 'absent', 'unknown'],
    [{ ...row, phase: 'queued' as const, health: null }, 'queued', 'deploying'],
    [{ ...row, phase: 'creating' as const, health: null }, 'creating', 'deploying'],
    [{ ...row, phase: 'deploying' as const, failures: 9 }, 'deploying', 'deploying'],
    [{ ...row, phase: 'deploy_failed' as const }, 'deploy_failed', 'deploy_failed'],
    [row, 'healthy', 'healthy'],
    [{ ...row, failures: 1 }, 'unreachable', 'unreachable'],
    [{ ...row, wish: 'absent' as const }, 'destroying', 'unknown'],
    [{ ...row, phase: 'destroyed' as const }, 'destroyed', 'unknown'],
  ] as const)('%#: %s', (given, state, short) => {
    expect(stateOf(given)).toBe(state)
    expect(shortStateOf(state)).toBe(short)
  })
  test('only what answered its latest probe is called healthy, and nothing that is to go', () =>
    fc.assert(
      fc.property(
        phases,
        fc.constantFrom('present' as const, 'absent' as const),
        fc.nat(5),
        fc.boolean(),
        (phase, wish, failures, answered) => {
          const state = stateOf({ phase, wish, failures, health: answered ? health : null })
          if (state === 'healthy')
            expect({ phase, wish, failures, answered }).toEqual({
              phase: 'running',
              wish: 'present',
              failures: 0,
              answered: true,
            })
          if (wish === 'absent') expect(['destroying', 'destroyed']).toContain(state)
        },
      ),
    ))
  test('an id never heard of is absent, in the same shape as any other', () => {
    expect(detailOf(undefined, [])).toEqual({
      state: 'absent',
      phaseSince: null,
      deploymentStartedAt: null,
      failures: 0,
      failingSince: null,
      url: null,
      image: null,
      tools: [],
      health: null,
    })
  })
})

describe("what a deployment's status means", () => {
  const facts = (status: string, deploymentStopped = false, instance = 'RUNNING') => ({
    status,
    deploymentStopped,
    instances: [{ status: instance }],
  })
  test.each([
    [facts('INITIALIZING', true), 'rising'],
    [facts('DEPLOYING', true, 'RUNNING'), 'rising'],
    [facts('SOMETHING_NEW'), 'rising'],
    [facts('FAILED'), 'failed'],
    [facts('CRASHED'), 'failed'],
    [facts('REMOVED'), 'removed'],
    [facts('SLEEPING', true), 'asleep'],
    [facts('SUCCESS', true), 'down'],
    [facts('SUCCESS', false, 'EXITED'), 'down'],
    [facts('SUCCESS'), 'up'],
  ])('%o', (given, verdict) => expect(verdictOf(given)).toBe(verdict))

  test('only a failed deployment changes anything; a missing or unknown word does not', () => {
    expect(findingOf(undefined)).toEqual({ failed: null, deploymentId: null, note: null })
    expect(findingOf({ deleted: false, deployment: null })).toEqual({ failed: null, deploymentId: null, note: null })
    for (const verdict of ['rising', 'up', 'asleep', 'down', 'removed'] as const)
      expect(findingOf({ deleted: false, deployment: { id: 'd', verdict, image: null } }).failed).toBeNull()
    expect(findingOf({ deleted: true, deployment: null })).toMatchObject({
      failed: null,
      note: expect.any(String) as string,
    })
    expect(findingOf({ deleted: false, deployment: { id: 'd', verdict: 'failed', image: null } }).failed?.deploymentId).toBe('d')
  })
})

test.each([
  ['on its way up', { phase: 'deploying', failures: 40, health: null }, 1_000],
  ['answering, not ready', { phase: 'deploying', failures: 0, health: { ready: false, binding: 'none' } }, 1_000],
  ['being claimed', { phase: 'running', failures: 0, health: { ready: true, binding: 'working' } }, 1_000],
  ['waiting to be let in', { phase: 'running', failures: 0, health: { ready: true, binding: 'pending' } }, 1_000],
  ['untouched', { phase: 'running', failures: 0, health: { ready: true, binding: 'none' } }, 5_000],
  ['in use', { phase: 'running', failures: 0, health: { ready: true, binding: 'active' } }, 60_000],
  ['silent for the third time', { phase: 'running', failures: 2, health: null }, 5_000],
  ['silent for long', { phase: 'running', failures: 6, health: null }, 40_000],
  ['silent for ever', { phase: 'running', failures: 1000, health: null }, 60_000],
] as const)('an instance %s is probed again in time', (_what, given, ms) => {
  expect(nextProbeMs(given)).toBe(ms)
})

describe('after a failure', () => {
  const refused = (kind: ProviderErrorKind, retryAfterMs: number | null = null) =>
    new ProviderError('no', { provider: 'p', operation: 'o', kind, uncertain: false, retryAfterMs })
  const row = { attempts: 3, refusals: 2 }
  test('waiting, a throttle and a rate limit are neither attempts nor failures', () => {
    expect(afterFailure(new NotYet(500, 'r'), row)).toMatchObject({ ...row, delayMs: 500, error: 'r' })
    expect(afterFailure(refused('throttled'), row)).toMatchObject(row)
    const limited = afterFailure(refused('rate_limited', 7_000), row)
    expect(limited).toMatchObject(row)
    expect(limited.delayMs).toBeGreaterThanOrEqual(7_000)
  })
  test('only refusals in a row count towards giving up', () => {
    expect(afterFailure(refused('permanent'), row)).toMatchObject({ attempts: 4, refusals: 3 })
    expect(afterFailure(refused('transient'), row)).toMatchObject({ attempts: 4, refusals: 0 })
    expect(afterFailure(new Error('bug'), row)).toMatchObject({ attempts: 4, refusals: 0 })
  })
  test('the wait grows with the attempts, differs from one to the next, and is bounded', () =>
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, random) => {
        const { delayMs } = afterFailure(refused('transient'), { attempts, refusals: 0 }, () => random)
        expect(delayMs).toBeGreaterThanOrEqual(1_000)
        expect(delayMs).toBeLessThanOrEqual(RETRY_CAP)
      }),
    ))
})

test('an operator reads one entry per step: its undoing in place of its doing', () => {
  const at = new Date('2030-01-01T00:00:00Z')
  const entry = (over: Partial<LogEntry>): LogEntry => ({
    step: 'project',
    direction: 'do',
    state: 'done',
    attempts: 1,
    uncertain: false,
    endedAgoMs: 0,
    startedAt: at,
    endedAt: new Date(at.getTime() + 250),
    error: null,
    ...over,
  })
  const log = [
    entry({}),
    entry({ step: 'volume', state: 'started', endedAt: null }),
    entry({ direction: 'undo', state: 'failed', attempts: 4, error: 'no' }),
  ]
  expect(stepsOf(log)).toEqual([
    { name: 'project', state: 'undo_failed', attempts: 4, startedAt: at.toISOString(), ms: 250, error: 'no' },
    { name: 'volume', state: 'started', attempts: 1, startedAt: at.toISOString(), ms: null, error: null },
  ])
})

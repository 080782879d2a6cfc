import { connectDatabase, createLogger, type Database, type FakeClock, fakeClock, mountEndpoints } from '@convos/kit'
import { createDatabase, type TestDatabase } from '@convos/sandbox/testing'
import express from 'express'
import request from 'supertest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { shareBudgets, startBudgets } from '../src/budget/flush.ts'
import { createGates, type Gates, type ProviderGate } from '../src/budget/gates.ts'
import { ProvidersReply } from '../src/contract/index.ts'
import { migrateServices } from '../src/db/migrate.ts'
import { ProviderError, type ProviderErrorKind } from '../src/infra/errors.ts'
import { createServiceMetrics, type ServiceMetrics } from '../src/metrics.ts'
import { providerEndpoints } from '../src/routes/providers.ts'

const HOURLY = 10
const log = createLogger('test', 'silent')
let database: TestDatabase
let db: Database
let clock: FakeClock
let metrics: ServiceMetrics

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'), {
    template: 'services',
    migrate: (url) => migrateServices({ url, environment: 'dev' }),
  })
})
afterAll(() => database.drop())
beforeEach(async () => {
  db = connectDatabase({ url: database.url, prepared: true, log })
  await db.query('truncate provider_budgets')
  clock = fakeClock('2030-01-01T00:00:00Z')
  metrics = createServiceMetrics('dev', db)
})
afterEach(() => db.end())

/** The gates of one process. */
const replica = (over: { metrics?: ServiceMetrics; railwayPerHour?: number } = {}): Gates =>
  createGates({
    db,
    clock,
    log,
    metrics: over.metrics ?? createServiceMetrics('dev', db),
    configured: ['railway', 'ghcr'],
    railwayPerHour: over.railwayPerHour ?? HOURLY,
  })
const share = (gates: Gates) => shareBudgets({ db, clock, gates })
const refusal = (kind: ProviderErrorKind, retryAfterMs: number | null = null) =>
  new ProviderError('said no', { provider: 'railway', operation: 'x', kind, uncertain: false, retryAfterMs })

const NEEDED = 'ProjectCreate'
const AT_LEISURE = ['StatusAtLeisure', 'ProjectsSurvey', 'ProjectUpdate', 'DeploymentLogs']
const ask = (gate: ProviderGate, operation = NEEDED) => gate.pass(operation, () => Promise.resolve('answer'))
const failing = (gate: ProviderGate, err: unknown) => gate.pass(NEEDED, () => Promise.reject(err as Error)).catch(() => {})
const times = async (n: number, act: () => Promise<unknown>) => {
  for (let i = 0; i < n; i++) await act()
}

describe('the budget of an hour', () => {
  test('refuses locally what is beyond it, until the hour is over', async () => {
    const gates = replica()
    const { railway } = gates
    await times(HOURLY, () => ask(railway))
    await share(gates)
    const sent = vi.fn(() => Promise.resolve('answer'))
    await clock.advance(20 * 60_000)
    const refused = await railway.pass(NEEDED, sent).catch((err: unknown) => err as ProviderError)
    expect(refused).toMatchObject({ name: 'ProviderError', kind: 'rate_limited', uncertain: false })
    expect((refused as ProviderError).retryAfterMs).toBeGreaterThan(39 * 60_000)
    expect((refused as ProviderError).retryAfterMs).toBeLessThanOrEqual(40 * 60_000)
    expect(sent).not.toHaveBeenCalled()
    await clock.advance(40 * 60_000)
    expect(await ask(railway)).toBe('answer')
  })

  test.each(AT_LEISURE)('leaves a fifth of it to creations and removals when %s is asked', async (operation) => {
    const { railway } = replica()
    await times(HOURLY * 0.8, () => ask(railway, operation))
    await expect(ask(railway, operation)).rejects.toMatchObject({ kind: 'rate_limited', uncertain: false })
    await times(HOURLY * 0.2, () => ask(railway))
    await expect(ask(railway, 'ProjectDelete')).rejects.toMatchObject({ kind: 'rate_limited' })
  })

  test('is that of all replicas together', async () => {
    const [a, b] = [replica(), replica()]
    await times(4, () => ask(a.railway))
    await times(5, () => ask(b.railway))
    await share(a)
    await share(b)
    await share(a)
    expect([a.railway.account.left(), b.railway.account.left()]).toEqual([1, 1])
    await ask(a.railway)
    await expect(ask(a.railway)).rejects.toMatchObject({ kind: 'rate_limited' })
    await share(a)
    await share(b)
    await expect(ask(b.railway)).rejects.toMatchObject({ kind: 'rate_limited' })
  })

  test('begins anew with the database’s hour', async () => {
    const gates = replica()
    await times(HOURLY, () => ask(gates.railway))
    await share(gates)
    await database.moveClock(61 * 60_000)
    await db.end()
    db = connectDatabase({ url: database.url, prepared: true, log })
    const other = replica()
    await share(other)
    expect(other.railway.account.left()).toBe(HOURLY)
    await ask(other.railway)
    await share(other)
    expect(other.railway.account.left()).toBe(HOURLY - 1)
  })

  test('loses no count while the database cannot be written, and counts none twice', async () => {
    const gates = replica()
    await times(3, () => ask(gates.railway))
    const answer = Promise.withResolvers<never>()
    const broken = { query: () => answer.promise } as unknown as Database
    const sharing = shareBudgets({ db: broken, clock, gates })
    expect(gates.railway.account.left(), 'while they are on their way').toBe(HOURLY - 3)
    answer.reject(new Error('down'))
    await expect(sharing).rejects.toThrow('down')
    expect(gates.railway.account.left()).toBe(HOURLY - 3)
    await ask(gates.railway)
    await share(gates)
    await share(gates)
    expect(gates.railway.account.left()).toBe(HOURLY - 4)
  })

  test('a stop writes down the last counts', async () => {
    const gates = replica()
    const loop = startBudgets({ db, clock, log, gates })
    await ask(gates.railway)
    await loop.stop()
    const other = replica()
    await share(other)
    expect(other.railway.account.left()).toBe(HOURLY - 1)
  })
})

describe('a provider that tells us to wait', () => {
  test('is asked by nobody for as long as it said, on any replica', async () => {
    const [a, b] = [replica(), replica()]
    await failing(a.railway, refusal('rate_limited', 90_000))
    await expect(ask(a.railway)).rejects.toMatchObject({ kind: 'rate_limited', retryAfterMs: 90_000, uncertain: false })
    expect(await ask(a.openrouter), 'others are asked').toBe('answer')
    await share(b)
    const refused = await ask(b.railway).catch((err: unknown) => err as ProviderError)
    expect(refused).toMatchObject({ kind: 'rate_limited' })
    expect((refused as ProviderError).retryAfterMs).toBeGreaterThan(80_000)
    await clock.advance(90_001)
    expect(await ask(a.railway)).toBe('answer')
    expect(await ask(b.railway)).toBe('answer')
  })

  test('without saying for how long is left alone for a minute', async () => {
    const { railway } = replica()
    await failing(railway, refusal('rate_limited'))
    await clock.advance(59_999)
    await expect(ask(railway)).rejects.toMatchObject({ kind: 'rate_limited' })
    await clock.advance(1)
    expect(await ask(railway)).toBe('answer')
  })

  test('is not one that makes one thing at a time', async () => {
    const { railway } = replica()
    await failing(railway, refusal('throttled', 30_000))
    expect(await ask(railway)).toBe('answer')
  })

  test('turns away those, too, that were waiting for their turn', async () => {
    const { railway } = replica({ railwayPerHour: 1_000 })
    const answer = Promise.withResolvers<void>()
    const running = Array.from({ length: 10 }, () =>
      railway.pass('ProjectGet', () => answer.promise).catch((err: unknown) => err as ProviderError),
    )
    const waiting = ask(railway).catch((err: unknown) => err as ProviderError)
    answer.reject(refusal('rate_limited', 60_000))
    await Promise.all(running)
    expect(await waiting).toMatchObject({ kind: 'rate_limited', uncertain: false })
  })
})

describe('taking turns', () => {
  afterEach(() => vi.useRealTimers())

  const stopTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })

  test('no more requests begin in any second than the provider bears', async () => {
    stopTime()
    const { bankr } = replica()
    const began: number[] = []
    const all = Array.from({ length: 6 }, () => bankr.pass('createWallet', async () => void began.push(Date.now())))
    await vi.advanceTimersByTimeAsync(3_000)
    await Promise.all(all)
    expect(began).toHaveLength(6)
    for (const [i, at] of began.entries()) expect((began[i + 2] ?? Infinity) - at).toBeGreaterThanOrEqual(1_000)
  })

  test('what nobody waits for lets others go first', async () => {
    stopTime()
    const { railway } = replica({ railwayPerHour: 1_000 })
    const order: string[] = []
    const names = [...Array<string>(10).fill(NEEDED), 'DeploymentLogs', 'ProjectDelete']
    const all = names.map((name) => railway.pass(name, async () => void order.push(name)))
    await vi.advanceTimersByTimeAsync(3_000)
    await Promise.all(all)
    expect(order.slice(10)).toEqual(['ProjectDelete', 'DeploymentLogs'])
  })

  test('whoever has waited ten seconds is sent away, and never asks after that', async () => {
    const { ghcr } = replica()
    const answer = Promise.withResolvers<void>()
    const running = Array.from({ length: 4 }, () => ghcr.pass('headManifest', () => answer.promise))
    const sent = vi.fn(() => Promise.resolve())
    const waiting = ghcr.pass('headManifest', sent).catch((err: unknown) => err as ProviderError)
    await clock.advance(10_000)
    expect(await waiting).toMatchObject({ kind: 'rate_limited', uncertain: false, retryAfterMs: 10_000 })
    answer.resolve()
    await Promise.all(running)
    expect(await ask(ghcr)).toBe('answer')
    expect(sent).not.toHaveBeenCalled()
  })

  test('a request that runs longer than anyone may wait is not cut off', async () => {
    const { ghcr } = replica()
    const answer = Promise.withResolvers<string>()
    const running = ghcr.pass('headManifest', () => answer.promise)
    await clock.advance(60_000)
    answer.resolve('late')
    expect(await running).toBe('late')
  })
})

describe('what is told of providers', () => {
  test('requests are counted by operation and outcome, what was held back too', async () => {
    const { railway } = replica({ metrics })
    await ask(railway)
    await failing(railway, refusal('not_found'))
    await failing(railway, refusal('rate_limited'))
    await ask(railway).catch(() => {})
    const text = await metrics.registry.metrics()
    for (const outcome of ['ok', 'not_found', 'rate_limited', 'held_back'])
      expect(text).toMatch(
        new RegExp(`provider_requests_total\\{provider="railway",operation="ProjectCreate",outcome="${outcome}"[^}]*\\} 1\n`),
      )
    expect(text).toMatch(/provider_budget_left\{provider="railway"[^}]*\} 7\n/)
    expect(text).toMatch(/provider_budget_limit\{provider="railway",service="services",environment="dev"\} 10\n/)
    expect(text).not.toContain('provider_budget_left{provider="ghcr"')
    expect(text).not.toContain('provider_budget_limit{provider="ghcr"')
    expect(text).toMatch(/provider_blocked\{provider="railway"[^}]*\} 1\n/)
    expect(text).toMatch(/provider_blocked\{provider="ghcr"[^}]*\} 0\n/)
  })

  const list = async (gates: Gates) => {
    const app = express().use(mountEndpoints(providerEndpoints({ db, gates }), { pool: [] }))
    const { body } = await request(app).get('/providers').expect(200)
    return Object.fromEntries(ProvidersReply.parse(body).map((state) => [state.provider, state]))
  }

  test('each one is listed with what it was asked, whether it was or not, and nobody is asked for it', async () => {
    const gates = replica()
    await times(2, () => ask(gates.railway))
    await failing(gates.railway, refusal('throttled'))
    await share(gates)
    const states = await list(gates)
    expect(Object.keys(states)).toEqual(['railway', 'openrouter', 'agentmail', 'telnyx', 'bankr', 'ghcr'])
    expect(states['railway']).toMatchObject({
      configured: true,
      health: 'ok',
      requests: 3,
      refused: 1,
      failed: 0,
      budget: HOURLY,
      left: HOURLY - 3,
      blockedUntil: null,
      lastError: null,
    })
    expect(states['bankr']).toMatchObject({ configured: false, health: 'unknown', requests: 0, budget: null, left: null })
  })

  test('its health is what its latest answer was', async () => {
    const gates = replica()
    await ask(gates.railway)
    await clock.advance(10)
    await failing(gates.railway, refusal('transient'))
    await share(gates)
    expect((await list(gates))['railway']).toMatchObject({ health: 'failing', failed: 1, lastError: 'railway x: said no' })
    await clock.advance(10)
    // the words may hold what no database takes
    await failing(gates.railway, new Error('odd \0 words'))
    await share(gates)
    expect((await list(gates))['railway']).toMatchObject({ health: 'failing', lastError: 'odd  words' })
    await clock.advance(10)
    await failing(gates.railway, refusal('not_found'))
    await share(gates)
    expect((await list(gates))['railway'], 'an answer that we did not like is an answer').toMatchObject({ health: 'ok' })
    await failing(gates.railway, refusal('rate_limited'))
    await share(gates)
    expect((await list(gates))['railway']?.health).toBe('blocked')
  })

  test('what is left on our account is what any instance’s usage showed last', async () => {
    const gates = replica()
    expect((await list(gates))['openrouter']).toMatchObject({ creditRemaining: null, creditAt: null })
    await db.query(`
      insert into instance_services (instance_id, tool_id, kind, state, resource_id, usage, usage_at) values
        ('creditold000', 'openrouter', 'key', 'active', 'k', '{"accountRemaining": 50}', '2030-01-01T00:00:00Z'),
        ('creditnew000', 'openrouter', 'key', 'destroyed', 'k', '{"accountRemaining": 12.5}', '2030-01-01T01:00:00Z'),
        ('creditnew000', 'openrouter', 'key', 'active', 'k', '{}', '2030-01-01T02:00:00Z')`)
    expect((await list(gates))['openrouter']).toMatchObject({ creditRemaining: 12.5, creditAt: '2030-01-01T01:00:00.000Z' })
    expect((await list(gates))['railway']).toMatchObject({ creditRemaining: null })
    await db.query(`delete from instance_services`)
  })

  test('an older failure of another replica does not hide its latest answer', async () => {
    const [a, b] = [replica(), replica()]
    await failing(a.railway, refusal('transient'))
    await clock.advance(3_000)
    await ask(b.railway)
    await share(b)
    await share(a)
    expect((await list(a))['railway']).toMatchObject({ health: 'ok', lastError: 'railway x: said no', failed: 1 })
  })
})

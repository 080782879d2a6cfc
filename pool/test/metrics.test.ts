import { readFile } from 'node:fs/promises'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test, vi } from 'vitest'
import { seeAlerts } from '../src/db/alerts.ts'
import { detailOf, problem } from './fake-services.ts'
import { seedReady, testPool, type TestPool } from './harness.ts'

const TOKEN = 'metrics-token-000000'
const measured = (env: Record<string, string> = {}, limits = {}) => testPool({ env: { METRICS_TOKEN: TOKEN, ...env }, limits })
const scrape = async (pool: TestPool) => (await pool.call('GET', '/metrics', { key: TOKEN })).text

/** The value of one line, by its name and labels in the order they are written. */
async function valueOf(pool: TestPool, name: string, labels: Record<string, string> = {}): Promise<number | null> {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const line = (await scrape(pool))
    .split('\n')
    .find((each) => each.startsWith(`${name}{`) && wanted.every((label) => each.includes(label)))
  return line === undefined ? null : Number(line.split(' ').at(-1))
}

describe('claims', () => {
  test('are counted by what became of them, those that did not wait too, and timed', async () => {
    const pool = scoped(await measured())
    await seedReady(pool, 2)
    expect((await pool.claim()).status).toBe(200)
    pool.services.onConfigure = () => {
      throw problem(422, 'MODEL_UNKNOWN', { fault: 'claim' })
    }
    expect((await pool.claim()).status).toBe(422)
    expect((await pool.claim()).status).toBe(503)
    const claims = (labels: Record<string, string>) => valueOf(pool, 'pool_claims_total', labels)
    expect(await claims({ outcome: 'done' })).toBe(1)
    expect(await claims({ outcome: 'failed', code: 'MODEL_UNKNOWN' })).toBe(1)
    expect(await claims({ outcome: 'failed', code: 'POOL_EMPTY' })).toBe(1)
    expect(await valueOf(pool, 'pool_claims_hit_total')).toBe(1)
    const phase = (name: string) => valueOf(pool, 'pool_claim_phase_seconds_count', { phase: name })
    expect([await phase('queued'), await phase('configure'), await phase('total')]).toEqual([2, 2, 1])
    expect(await phase('tools')).toBe(2)
  })

  test('that wait are told by number and age', async () => {
    const pool = scoped(await measured({}, { gaugesKeptMs: 0 }))
    expect(await valueOf(pool, 'pool_queue_oldest_age_seconds')).toBe(0)
    const waiting = pool.claim({ waitMs: 60_000 })
    await eventually('it to be seen', async () => (await valueOf(pool, 'pool_queue_depth')) === 1)
    expect(await valueOf(pool, 'pool_queue_oldest_age_seconds')).toBeGreaterThan(0)
    await seedReady(pool, 1)
    expect((await waiting).status).toBe(200)
    expect(await valueOf(pool, 'pool_queue_depth')).toBe(0)
  })
})

test('what a rule waits for is counted from 0, so that the first one is an increase', async () => {
  const pool = scoped(await measured({ POOL_MIN_IDLE: '0' }))
  const rules = await readFile(new URL('../../docs/ops/alerts.rules.yml', import.meta.url), 'utf8')
  const codes = /code=~"(CLAIM_FAILED[^"]*)"/.exec(rules)?.[1]?.split('|') ?? []
  expect(codes).toContain('INTERRUPTED')
  for (const code of codes) expect(await valueOf(pool, 'pool_claims_total', { outcome: 'failed', code }), code).toBe(0)
  for (const result of ['ready', 'failed']) expect(await valueOf(pool, 'pool_creations_total', { result })).toBe(0)
})

test('creations are counted by result, and those that succeed timed', async () => {
  const pool = scoped(await measured({ POOL_MIN_IDLE: '1', TICK_INTERVAL_MS: '100' }))
  await eventually('one to be ready', () => valueOf(pool, 'pool_creations_total', { result: 'ready' }))
  expect(await valueOf(pool, 'pool_refill_seconds_count')).toBe(1)
  pool.services.onCreate = (id) => pool.services.set(id, detailOf('deploy_failed'))
  await pool.claim()
  await eventually('one to fail', () => valueOf(pool, 'pool_creations_total', { result: 'failed' }))
})

test('the tick is timed, its age is told by every replica, and one of them leads', async () => {
  const pool = scoped(await measured({}, { gaugesKeptMs: 0 }))
  await eventually('a tick', () => valueOf(pool, 'pool_tick_duration_seconds_count'))
  const other = scoped(await pool.replica())
  expect([await valueOf(pool, 'pool_leading'), await valueOf(other, 'pool_leading')]).toEqual([1, 0])
  expect([await valueOf(pool, 'pool_leads_total'), await valueOf(other, 'pool_leads_total')]).toEqual([1, 0])
  expect(await valueOf(other, 'pool_tick_interval_seconds')).toBe(30)
  expect(await valueOf(other, 'pool_tick_age_seconds')).toBeLessThan(30)
})

test('how many are to be kept, and for how long the oldest has been where it is, is there for each status', async () => {
  const pool = scoped(await measured({ POOL_MIN_IDLE: '2' }, { gaugesKeptMs: 0 }))
  expect(await valueOf(pool, 'pool_idle_target')).toBe(2)
  const [id] = await seedReady(pool, 1)
  await pool.db.query({ values: [id], text: `update instances set status_since = clock_now() - interval '1 hour' where id = $1` })
  const oldest = (status: string) => valueOf(pool, 'pool_instances_oldest_age_seconds', { status })
  expect(await oldest('ready')).toBeGreaterThanOrEqual(3600)
  expect(await oldest('deleting')).toBe(0)
})

test('every sample names its service and environment', async () => {
  const samples = (await scrape(scoped(await measured()))).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  for (const sample of samples) expect(sample).toMatch(/service="pool",environment="dev"/)
})

test('what holds the refill back, and which alerts fire, is there', async () => {
  const pool = scoped(await measured({}, { gaugesKeptMs: 0 }))
  await pool.call('PATCH', '/api/pool/settings', { body: { paused: true } })
  await pool.db.query({ text: 'update settings set min_idle = 1' })
  expect(await valueOf(pool, 'pool_refill_held', { code: 'PAUSED' })).toBe(1)
  await seeAlerts(pool.db, { found: [{ code: 'POOL_EMPTY', detail: '' }], gapMs: 0 })
  expect(await valueOf(pool, 'pool_alerts_firing', { code: 'POOL_EMPTY' })).toBe(0)
  await pool.db.query({ text: `update alerts set state = 'firing'` })
  expect(await valueOf(pool, 'pool_alerts_firing', { code: 'POOL_EMPTY' })).toBe(1)
  expect(await valueOf(pool, 'pool_alerts_firing', { code: 'TICK_LATE' })).toBe(0)
})

test('however often it is scraped, the queue is read once in a while', async () => {
  const pool = scoped(await measured())
  const query = vi.spyOn(pool.db, 'query')
  for (let n = 0; n < 3; n++) await Promise.all(Array.from({ length: 5 }, () => scrape(pool)))
  const read = query.mock.calls.filter(([statement]) => (statement as { name?: string } | undefined)?.name === 'read_gauges')
  expect(read).toHaveLength(1)
})

test('what cannot be read is left out, and the rest is told', async () => {
  const pool = scoped(await measured({}, { gaugesKeptMs: 0 }))
  await pool.db.query({ text: 'alter table alerts rename to alerts_elsewhere' })
  const text = await scrape(pool)
  expect(text).not.toMatch(/^pool_queue_depth\{/m)
  expect(text).toMatch(/^pool_instances\{/m)
  expect(text).toMatch(/^pool_leading\{/m)
})

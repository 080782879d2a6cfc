/** A roll-out that does not go on says why. */
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { run } from '../src/cli/run.ts'
import { Operation } from '../src/contract/index.ts'
import type { SupplyFacts } from '../src/supply/plan.ts'
import { whatRolloutWaitsFor } from '../src/supply/waits.ts'
import { detailOf, imageOf } from './fake-services.ts'
import { type TestPool, unaudited } from './harness.ts'
import { aFullPool, readyIds, tickOnce } from './stock.ts'

const NOW = new Date('2030-01-01T12:00:00Z')
const LATER = new Date(NOW.getTime() + 60_000)
const WANTED = imageOf(2)
const PROVEN = {
  image: WANTED,
  trusted_at: NOW,
  last_ready_at: NOW,
  failures: 0,
  failed_at: null,
  openings: 0,
  opened_at: null,
  retry_at: null,
}

interface Given {
  ready?: number
  starting?: number
  gone?: number
  maxTotal?: number
  paused?: boolean
  image?: Partial<SupplyFacts['images'][number]>
  free?: number
}

function waits({ ready = 3, starting = 0, gone = 0, maxTotal, paused = false, image = {}, free = 1 }: Given) {
  const stock = { ready, starting, startingOn: new Map([[WANTED, starting]]), total: ready + starting + gone }
  const settings = { minIdle: 3, maxTotal: maxTotal ?? null, maxAgeHours: null, paused }
  return whatRolloutWaitsFor({ stock, settings, wanted: WANTED, images: [{ ...PROVEN, ...image }], now: NOW }, free)
}

describe('a roll-out waits', () => {
  test('for nothing where its next turn comes by itself', () => {
    expect(waits({})).toBeNull()
    expect(waits({ maxTotal: 3 })).toBeNull()
  })

  test.each([
    ['while the refill is paused', { paused: true }, { code: 'PAUSED' }],
    [
      'at the cap, for a stock that is short',
      { ready: 2, gone: 1, maxTotal: 3 },
      { code: 'MAX_TOTAL', reason: 'at most 3 instances are allowed, and 3 exist' },
    ],
    [
      'until an image that fails is tried again',
      { image: { failures: 3, opened_at: NOW, retry_at: LATER } },
      { code: 'CREATION_FAILING', until: LATER },
    ],
    ['until a stock that is short may be filled', { ready: 1, image: { failures: 1, retry_at: LATER } }, { until: LATER }],
    ['for what is on the way', { starting: 1 }, { code: 'STARTING', reason: '1 that is on the way must become ready first' }],
    ['for one that may be taken', { free: 0 }, { code: 'NOT_FREE' }],
  ])('%s', (_, given, wait) => expect(waits(given)).toMatchObject(wait))
})

async function push(pool: TestPool): Promise<void> {
  pool.services.image = WANTED
  pool.parts.tick.wake()
  await eventually('the push to be seen', async () => (await pool.call('GET', '/api/pool/images')).body['wanted'] === WANTED)
}

/** At the cap, one short: what would fill the stock up is an agent in use. */
async function atTheCap(): Promise<TestPool> {
  const pool = await aFullPool({ POOL_MIN_IDLE: '3', POOL_MAX_TOTAL: '3' })
  await push(pool)
  await unaudited(
    pool.db,
    `update instances set status = 'claimed', claim_id = id, touched_at = clock_now(), conversation_id = 'c' where id = $1`,
    [(await readyIds(pool))[0]],
  )
  return pool
}

async function progress(pool: TestPool, id: unknown): Promise<Operation> {
  return Operation.parse((await pool.call('GET', `/api/pool/operations/${String(id)}`)).body)
}

test('at the cap and below its target the operation says so, and goes on once there is room', async () => {
  const pool = scoped(await atTheCap())
  const { body } = await pool.call('POST', '/api/pool/rollout')
  await tickOnce(pool)
  const stuck = await progress(pool, body['id'])
  expect(stuck).toMatchObject({ state: 'running', total: 2, done: 0 })
  expect(stuck.waitsFor).toEqual({
    code: 'MAX_TOTAL',
    reason: 'at most 3 instances are allowed, and 3 exist',
    until: null,
  })
  const { body: listed } = await pool.call('GET', '/api/pool/operations')
  expect(listed['operations']).toMatchObject([{ waitsFor: stuck.waitsFor }])

  // what is on its way is waited for next
  pool.services.onCreate = (id) => pool.services.set(id, detailOf('deploying'))
  await pool.call('PATCH', '/api/pool/settings', { body: { maxTotal: 9 } })
  await tickOnce(pool)
  expect((await progress(pool, body['id'])).waitsFor).toMatchObject({ code: expect.stringMatching(/STARTING|UNTRUSTED_IMAGE/) })
  await pool.call('PATCH', '/api/pool/settings', { body: { paused: true } })
  expect((await progress(pool, body['id'])).waitsFor).toMatchObject({ code: 'PAUSED' })
  await pool.call('DELETE', '/api/pool/rollout')
  expect(await progress(pool, body['id'])).toMatchObject({ state: 'stopped', waitsFor: null })
})

test('the command says it, once, where nobody watches a bar', async () => {
  const pool = scoped(await atTheCap())
  const [out, err]: string[][] = [[], []]
  const terminal = { out: (text: string) => void out?.push(text), err: (text: string) => void err?.push(text), progress: null }
  const env = { POOL_URL: pool.url, POOL_API_KEY: pool.key }
  const ended = run(['rollout'], { env, ...terminal })
  await eventually('it to be said', () => err?.length)
  // stopped before its end it failed; whoever asked for that got what they asked for
  const stopping = run(['rollout', '--stop'], { env, out: () => {}, err: () => {}, progress: null })
  expect([await stopping, await ended]).toEqual([0, 1])
  expect(err).toEqual(['waits: at most 3 instances are allowed, and 3 exist'])
  expect(out?.[0]).toBe('rollout stopped: 0 of 2 done, 2 failed')
})

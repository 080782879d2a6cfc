import request from 'supertest'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

const TOKEN = 'a-token-for-the-scraper'
let h: Harness
beforeAll(async () => {
  h = await createHarness(inject('postgresUrl'), { METRICS_TOKEN: TOKEN })
})
afterAll(() => h.close())

/** The value of one sample, by its name and labels. */
async function valueOf(name: string, labels: Record<string, string>): Promise<number | null> {
  const { text } = await request(h.app).get('/metrics').set('authorization', `Bearer ${TOKEN}`).expect(200)
  const wanted = Object.entries({ ...labels, service: 'services', environment: 'dev' }).map(([label, is]) => `${label}="${is}"`)
  const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && wanted.every((label) => each.includes(label)))
  return line === undefined ? null : Number(line.split(' ').at(-1))
}
const rows = (ledger: string, state: string) => valueOf('ledger_unsettled_rows', { ledger, state })
const age = (ledger: string, state: string) => valueOf('ledger_unsettled_oldest_age_seconds', { ledger, state })

test('what is on its way is told by number and age, and nothing on its way as 0', async () => {
  expect([await rows('instance', 'queued'), await age('instance', 'queued')]).toEqual([0, 0])
  const instanceId = newId()
  await request(h.app).post('/create-instance').set(h.headers).send({ instanceId, image: IMAGE }).expect(202)
  await h.moveClock(3_600_000)
  expect(await rows('instance', 'queued')).toBe(1)
  expect(await age('instance', 'queued')).toBeGreaterThanOrEqual(3600)
  await h.pass()
  expect([await rows('instance', 'queued'), await age('instance', 'queued')]).toEqual([0, 0])

  const insert = (state: string) =>
    h.ctx.db.query({
      values: [instanceId, state],
      text: `insert into instance_services (instance_id, tool_id, kind, state, created_at)
        values ($1, 'toy', $2, $2, clock_now() - interval '2 hours')`,
    })
  await insert('creating')
  await insert('destroying')
  expect([await rows('tool', 'creating'), await rows('tool', 'destroying')]).toEqual([1, 1])
  expect(await age('tool', 'creating')).toBeGreaterThanOrEqual(7200)
  // since when it goes is not written down, and when it was made says nothing about that
  expect(await age('tool', 'destroying')).toBeNull()
})

test('credit is told as it was last measured', async () => {
  expect(await valueOf('provider_credit_usd', { provider: 'openrouter' })).toBeNull()
  await h.ctx.db.query({
    values: [newId(), JSON.stringify({ accountRemaining: 12.5 })],
    text: `insert into instance_services (instance_id, tool_id, kind, state, resource_id, usage, usage_at)
      values ($1, 'openrouter', 'key', 'active', 'k', $2, clock_now())`,
  })
  expect(await valueOf('provider_credit_usd', { provider: 'openrouter' })).toBe(12.5)
})

test('probes are told apart by whether their instance has run before', async () => {
  h.ctx.metrics.countProbe('deploying', 'no_answer')
  h.ctx.metrics.countProbe('running', 'ready')
  expect(await valueOf('probes_total', { phase: 'deploying', outcome: 'no_answer' })).toBe(1)
  expect(await valueOf('probes_total', { phase: 'running', outcome: 'no_answer' })).toBeNull()
})

import request from 'supertest'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { DebugReply, LogsReply } from '../../src/contract/index.ts'
import { ProviderError } from '../../src/infra/errors.ts'
import { createReconcileHarness, type ReconcileHarness } from './support.ts'

/** What an operator asks for by hand. */
let h: ReconcileHarness
beforeAll(async () => {
  h = await createReconcileHarness(inject('postgresUrl'))
})
beforeEach(() => h.clear())
afterAll(() => h.close())

const get = (path: string) => request(h.app).get(path).set(h.headers)
const refused = new ProviderError('slow down', {
  provider: 'fake',
  operation: 'logs',
  kind: 'rate_limited',
  uncertain: false,
  retryAfterMs: 7_000,
})

describe('the log of an instance', () => {
  test('is the newest lines of its latest deployment, oldest first', async () => {
    const { id } = await h.create()
    const { body } = await get(`/instances/${id}/logs?limit=2`).expect(200)
    expect(LogsReply.parse(body).lines.map(({ message }) => message)).toEqual(['created', 'started'])
    expect(body).toMatchObject({ deploymentId: h.infra.live()[0]?.deployments[0]?.id })
  })

  test('is the one under way while a rollout has not written its own down', async () => {
    const { id } = await h.create()
    await h.rows('update instance_infra set deployment_id = null where instance_id = $1', [id])
    const { body } = await get(`/instances/${id}/logs`).expect(200)
    expect(body).toMatchObject({ deploymentId: h.infra.live()[0]?.deployments[0]?.id })
    expect(LogsReply.parse(body).lines).toHaveLength(3)
  })

  test('is empty before anything was deployed, and unknown after it is gone', async () => {
    const { body } = await get(`/instances/${await h.living()}/logs`).expect(200)
    expect(body).toEqual({ deploymentId: null, lines: [] })
    await get(`/instances/${await h.tombstone()}/logs`).expect(404)
    await get(`/instances/${await h.living()}/logs?limit=501`).expect(400)
  })

  test('when the provider does not give it, that says whose fault it is and when to come back', async () => {
    const { id } = await h.create()
    h.infraFaults.inject('logs', refused)
    const busy = await get(`/instances/${id}/logs`).expect(503)
    expect([busy.body, busy.headers['retry-after']]).toEqual([expect.objectContaining({ code: 'PROVIDER_BUSY' }), '7'])
    h.infraFaults.inject('logs', 'before')
    expect((await get(`/instances/${id}/logs`).expect(502)).body).toMatchObject({ code: 'PROVIDER_FAILED' })
  })
})

describe('a look at an instance', () => {
  const stored = () => h.rows('select to_jsonb(i) as row from instance_infra i')

  test('asks provider and instance afresh, with its own token, and keeps nothing', async () => {
    const { id, box, env } = await h.create({ binding: 'active', claimId: 'claim-7' })
    const before = await stored()
    const { body } = await get(`/instances/${id}/debug`).expect(200)
    expect(DebugReply.parse(body)).toMatchObject({
      instanceId: id,
      state: 'unknown',
      deployment: { verdict: 'rising', image: expect.stringContaining('@sha256:') as string },
      deploymentError: null,
      probe: { health: { ready: true, claimId: 'claim-7' }, error: null },
    })
    expect(box.seen.at(-1)?.authorization).toBe(`Bearer ${env['INSTANCE_CONTROL_TOKEN']}`)
    expect(JSON.stringify(body)).not.toContain(env['INSTANCE_CONTROL_TOKEN'])
    expect(await stored()).toEqual(before)
  })

  test('each half says by itself what is wrong', async () => {
    const { id, box } = await h.create()
    h.infraFaults.inject('status', refused)
    box.health = { status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } }
    const { body } = await get(`/instances/${id}/debug`).expect(200)
    expect(body).toMatchObject({
      deployment: null,
      deploymentError: expect.stringContaining('slow down') as string,
      probe: { health: null, error: expect.stringContaining('302') as string },
    })
  })

  test('an instance may answer 503, and no more than it may ever answer', async () => {
    const { id, box } = await h.create()
    box.health = { status: 503, body: { ready: false, clean: true, version: '1' } }
    const { body } = await get(`/instances/${id}/debug`).expect(200)
    expect(body).toMatchObject({ probe: { health: null, error: expect.stringContaining('unexpected body') as string } })
    const other = await h.create()
    other.box.health = { status: 200, body: 'x'.repeat(65 * 1024) }
    expect((await get(`/instances/${other.id}/debug`).expect(200)).body).toMatchObject({
      probe: { health: null, error: expect.stringContaining('larger than') as string },
    })
  })

  test('of what is not there yet, or not seen any more, it says so', async () => {
    const { body } = await get(`/instances/${await h.living()}/debug`).expect(200)
    expect(body).toMatchObject({ deployment: null, deploymentError: 'nothing was made at the provider yet', probe: null })
    const hidden = await get(`/instances/${await h.living({ projectId: 'hidden' })}/debug`).expect(200)
    expect(hidden.body).toMatchObject({ deploymentError: 'the provider does not show it' })
    await get('/instances/unknown00000/debug').expect(404)
  })

  test('an impatient operator is told to wait, about this instance alone', async () => {
    const [one, other] = [await h.living(), await h.living()]
    await get(`/instances/${one}/debug`).expect(200)
    const again = await get(`/instances/${one}/debug`).expect(429)
    expect(again.body).toMatchObject({ code: 'RATE_LIMITED' })
    expect(Number(again.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(again.headers['retry-after'])).toBeLessThanOrEqual(5)
    await get(`/instances/${other}/debug`).expect(200)
  })
})

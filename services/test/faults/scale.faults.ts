import { eventually } from '@convos/sandbox/testing'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import request from 'supertest'
import type { StatusDetail } from '../../src/contract/index.ts'
import { ProviderError } from '../../src/infra/errors.ts'
import { lookUpSilent } from '../../src/lookup.ts'
import { probeDue } from '../../src/probe.ts'
import { type FakeInstance, healthy } from '../support/fake-instances.ts'
import { createHarness, type Harness, IMAGE, newId } from '../support/harness.ts'

/** A fleet of hundreds: what it costs at the provider to know how it is, and to make it. */
let h: Harness
let boxes: Map<string, FakeInstance>
beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
  boxes = new Map()
})
afterEach(() => h.close())

/** Instances that run, written down as their creations would have left them. */
async function fleet(size: number): Promise<string[]> {
  const token = (id: string) => h.ctx.vault.seal('its own token', `instance_infra/${id}/control_token`)
  const rows = Array.from({ length: size }, () => {
    const [id, domain] = [newId(), h.instances.newDomain()]
    const box = h.instances.at(domain)
    box.health = healthy({ binding: 'active', clean: false, conversationId: 'c', claimId: 'claim' })
    boxes.set(id, box)
    return { id, url: `http://${domain}`, token: token(id), place: { projectId: `project of ${id}` } }
  })
  await h.ctx.db.query(
    `insert into instance_infra (instance_id, phase, project_name, image, url, control_token, place, deployment_id, next_run_at, next_probe_at)
     select r.id, 'running', r.id, $2, r.url, r.token, r.place, 'd', null, clock_now()
     from jsonb_to_recordset($1) as r (id text, url text, token text, place jsonb)`,
    [JSON.stringify(rows), IMAGE],
  )
  return rows.map(({ id }) => id)
}
const batch = async (instanceIds: string[]) => {
  const { body } = await request(h.app).post('/status/batch').set(h.headers).send({ instanceIds, detail: true }).expect(200)
  return body as Record<string, StatusDetail>
}
const states = (details: Record<string, StatusDetail>) =>
  Object.groupBy(Object.values(details), ({ state }) => state) as Record<string, StatusDetail[]>
const asked = () => [...h.infraFaults.calls.values()].reduce((sum, calls) => sum + calls, 0)
const never = new AbortController().signal

test('500 that are well cost no request, however often they are asked about', async () => {
  const ids = await fleet(500)
  expect(states(await batch(ids))['healthy']).toHaveLength(500)
  // an hour, a quarter at a time
  for (let quarter = 0; quarter < 4; quarter++) {
    await h.moveClock(15 * 60_000)
    await probeDue(h.ctx, ids, never)
    await lookUpSilent(h.ctx)
    expect(states(await batch(ids))['healthy']).toHaveLength(500)
  }
  expect(asked()).toBe(0)
})

test('100 that are silent cost 4 requests per look', async () => {
  const ids = await fleet(100)
  await probeDue(h.ctx, ids, never)
  for (const box of boxes.values()) box.health = { status: 502, body: '' }
  for (let failures = 0; failures < 2; failures++) {
    await h.ctx.db.query('update instance_infra set next_probe_at = clock_now()')
    await probeDue(h.ctx, ids, never)
  }
  for (let look = 1; look <= 2; look++) {
    for (let i = 0; i < 8; i++) {
      await lookUpSilent(h.ctx)
      await h.moveClock(2_100)
    }
    expect(h.infraFaults.calls.get('status')).toBe(4 * look)
    await h.moveClock(31_000)
  }
})

test('a provider that refuses everything changes the status of nobody', async () => {
  const ids = await fleet(60)
  await probeDue(h.ctx, ids, never)
  for (const id of ids.slice(0, 30)) Object.assign(boxes.get(id) ?? {}, { health: { status: 502, body: '' } })
  await h.ctx.db.query('update instance_infra set next_probe_at = clock_now()')
  await probeDue(h.ctx, ids, never)
  await h.ctx.db.query('update instance_infra set next_probe_at = clock_now()')
  await probeDue(h.ctx, ids, never)
  const before = states(await batch(ids))
  expect([before['healthy']?.length, before['unreachable']?.length]).toEqual([30, 30])
  const storm = { provider: 'railway', operation: 'x', kind: 'rate_limited', uncertain: false, retryAfterMs: 1_000 } as const
  h.infraFaults.inject('status', new ProviderError('slow down', storm), 1_000)
  for (let i = 0; i < 5; i++) {
    await lookUpSilent(h.ctx).catch(() => undefined)
    await h.moveClock(31_000)
  }
  expect(h.infraFaults.calls.get('status')).toBeGreaterThan(1)
  const { rows } = await h.ctx.db.query<{ phase: string; count: number }>(
    'select phase, count(*)::int as count from instance_infra group by phase',
  )
  expect(rows).toEqual([{ phase: 'running', count: 60 }])
})

test('40 that queue for their turn, for longer than anything may be stuck, are queued, and each is made once', async () => {
  await h.close()
  h = await createHarness(inject('postgresUrl'), { RAILWAY_PROJECT_INTERVAL_MS: '31000' })
  const ids = Array.from({ length: 40 }, newId)
  for (const instanceId of ids)
    await request(h.app).post('/create-instance').set(h.headers).send({ instanceId, image: IMAGE }).expect(202)
  for (let made = 1; made <= 40; made++) {
    await h.ctx.db.query('update instance_infra set next_run_at = clock_now() where next_run_at is not null')
    await Promise.all([h.pass('a'), h.pass('b')])
    expect(h.infra.projects).toHaveLength(made)
    if (made % 10 === 0) {
      const waiting = states(await batch(ids))['queued'] ?? []
      expect(waiting, 'nothing but queued: its clock has not begun').toHaveLength(40 - made)
      for (const { deploymentStartedAt, failures } of waiting) expect([deploymentStartedAt, failures]).toEqual([null, 0])
    }
    await h.moveClock(31_100)
  }
  await eventually('all are deploying', async () => states(await batch(ids))['deploying']?.length === 40)
  expect(new Set(h.infra.projects.map(({ marker }) => marker)).size).toBe(40)
})

import { scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import type { TemplateRequest } from '../src/contract/template.ts'
import { insertTemplate, updateTemplate } from '../src/db/templates.ts'
import { problem } from './fake-services.ts'
import { testPool, type TestPool } from './harness.ts'
import { makeKey } from './keys.ts'
import { claimed, eventsOf, finished, gate } from './operating.ts'

const ID = 'tpl_1'
const FAST = { limits: { itemRetryMs: 10 } }

function content(change: Partial<TemplateRequest> = {}): TemplateRequest {
  const model = { default: 'their/model', allow_override: true }
  return { agentName: 'planner', instructions: 'Plan trips.', model, tools: [], visibility: 'public', ...change }
}
const template = (pool: TestPool, creator = 'key:pool') => insertTemplate(pool.db, { id: ID, creator, content: content() })
const NEXT = { instructions: 'Plan trips well.', model: { default: 'next/model', allow_override: true } }
const update = (pool: TestPool, change: Partial<TemplateRequest> = NEXT) =>
  updateTemplate(pool.db, { id: ID, seen: null, author: 'key:pool', content: content({ agentName: 'renamed', ...change }) })
const sync = (pool: TestPool, key = pool.key) => pool.call('POST', `/api/templates/${ID}/sync`, { key })
const told = (pool: TestPool) => pool.services.called(/PATCH \/configure/)

async function rowOf(pool: TestPool, id: string) {
  const { rows } = await pool.db.query<{ instructions: string; model: string; template_version: number }>({
    text: 'select agent_name, instructions, model, template_version, template_synced_at from instances where id = $1',
    values: [id],
  })
  return rows[0]
}

describe('a template is synced', () => {
  test('to the agents claimed from it: their instructions and model, not their name', async () => {
    const pool = scoped(await testPool())
    await template(pool)
    const ids = [await claimed(pool, { templateId: ID }), await claimed(pool, { templateId: ID })]
    const [id = ''] = ids
    await claimed(pool)
    expect((await pool.call('GET', `/api/pool/instances/${id}`)).body).toMatchObject({
      templateVersion: 1,
      templateSyncedAt: null,
    })
    await update(pool)
    const begun = await sync(pool)
    expect(begun).toMatchObject({ status: 202, body: { kind: 'sync', total: 2 } })
    expect(await finished(pool, begun.body)).toMatchObject({
      state: 'done',
      done: 2,
      items: ids.map((each) => ({ instanceId: each })),
    })
    expect(
      told(pool)
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(ids.map((each) => `/configure/${each}`).toSorted())
    expect(told(pool)[0]?.body).toEqual({ instructions: 'Plan trips well.', model: 'next/model' })
    expect(await rowOf(pool, id)).toMatchObject({ agent_name: 'planner', instructions: 'Plan trips well.', model: 'next/model' })
    expect((await pool.call('GET', `/api/pool/instances/${id}`)).body).toMatchObject({
      templateVersion: 2,
      templateSyncedAt: expect.any(String),
    })
    expect((await eventsOf(pool, id)).at(-2)).toMatchObject({ type: 'synced', actor: 'key:pool', detail: { version: 2 } })
  })

  test('but for what their claimers chose, even where they chose the same', async () => {
    const pool = scoped(await testPool())
    await template(pool)
    const [own, same, all] = [
      await claimed(pool, { templateId: ID, instructions: 'Mine.' }),
      await claimed(pool, { templateId: ID, model: 'their/model' }),
      await claimed(pool, { templateId: ID, instructions: 'Mine.', model: 'my/model', agentName: 'me' }),
    ]
    await update(pool)
    expect(await finished(pool, (await sync(pool)).body)).toMatchObject({ state: 'done', done: 3 })
    const bodies = new Map(told(pool).map(({ path, body }) => [path, body]))
    expect(bodies).toEqual(
      new Map([
        [`/configure/${own}`, { model: 'next/model' }],
        [`/configure/${same}`, { instructions: 'Plan trips well.' }],
      ]),
    )
    expect(await rowOf(pool, own)).toMatchObject({ instructions: 'Mine.', model: 'next/model', template_version: 2 })
    expect(await rowOf(pool, all)).toMatchObject({ instructions: 'Mine.', model: 'my/model', template_version: 2 })
  })

  test('twice: the second changes nothing', async () => {
    const pool = scoped(await testPool())
    await template(pool)
    const id = await claimed(pool, { templateId: ID })
    await finished(pool, (await sync(pool)).body)
    const before = await rowOf(pool, id)
    expect(await finished(pool, (await sync(pool)).body)).toMatchObject({ state: 'done' })
    expect(await rowOf(pool, id)).toMatchObject({ instructions: before?.instructions, model: before?.model, template_version: 1 })
  })

  test('by its creator or an operator; to others it is forbidden, or not there', async () => {
    const pool = scoped(await testPool())
    const [alice, bob] = [await makeKey(pool), await makeKey(pool)]
    await template(pool, `key:${alice.id}`)
    await claimed(pool, { templateId: ID }, bob.key)
    expect((await sync(pool, alice.key)).status).toBe(202)
    expect((await sync(pool)).status).toBe(202)
    expect(await sync(pool, bob.key)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    await update(pool, { visibility: 'private' })
    expect(await sync(pool, bob.key)).toMatchObject({ status: 404, body: { code: 'TEMPLATE_NOT_FOUND' } })
    expect((await pool.call('POST', '/api/templates/tpl_2/sync')).status).toBe(404)
  })

  test('and its creator is told how many agents that are, but which only of their own', async () => {
    const pool = scoped(await testPool())
    const [creator, other] = [await makeKey(pool), await makeKey(pool)]
    await template(pool, `key:${creator.id}`)
    const mine = await claimed(pool, { templateId: ID }, creator.key)
    const theirs = await claimed(pool, { templateId: ID }, other.key)
    const answer = await sync(pool, creator.key)
    expect(answer.body).toMatchObject({ total: 2, items: [{ instanceId: mine }] })
    expect(answer.text).not.toContain(theirs)
    expect((await sync(pool)).body).toMatchObject({ total: 2, items: [{ instanceId: mine }, { instanceId: theirs }] })
  })

  test('and where there is no agent of it, there is nothing to do', async () => {
    const pool = scoped(await testPool())
    await template(pool)
    expect((await sync(pool)).body).toMatchObject({ state: 'done', total: 0 })
  })
})

describe('an agent is not synced', () => {
  test('when what its claimer chose is not known', async () => {
    const pool = scoped(await testPool())
    await template(pool)
    const id = await claimed(pool, { templateId: ID })
    await pool.db.query('update instances set overrides = null')
    await update(pool)
    expect(await finished(pool, (await sync(pool)).body)).toMatchObject({
      state: 'failed',
      items: [{ error: 'what its claimer chose is not known, so it was left alone' }],
    })
    expect(told(pool)).toEqual([])
    expect(await rowOf(pool, id)).toMatchObject({ instructions: 'Plan trips.', template_version: 1 })
  })

  test('when it is killed meanwhile, and says so', async () => {
    const pool = scoped(await testPool())
    await template(pool)
    const id = await claimed(pool, { templateId: ID })
    await update(pool)
    const call = gate()
    pool.services.onReconfigure = call.pass
    const { body } = await sync(pool)
    await call.reached
    await pool.call('DELETE', `/api/pool/instances/${id}`)
    call.open()
    expect(await finished(pool, body)).toMatchObject({ state: 'failed', items: [{ error: 'it is no longer claimed' }] })
    expect((await eventsOf(pool, id)).map(({ type }) => type)).not.toContain('synced')
  })

  test('when services refuses, but is tried again while services cannot be asked', async () => {
    const pool = scoped(await testPool(FAST))
    await template(pool)
    await claimed(pool, { templateId: ID })
    let tries = 0
    pool.services.onReconfigure = () => {
      throw tries++ < 2 ? problem(502, 'INSTANCE_FAILED') : problem(409, 'INSTANCE_NOT_RUNNING')
    }
    expect(await finished(pool, (await sync(pool)).body)).toMatchObject({ items: [{ error: 'fake INSTANCE_NOT_RUNNING' }] })
    expect(told(pool)).toHaveLength(3)
  })
})

test('of two that sync different versions at once, the later version has the last word, at the agent and in its row', async () => {
  const pool = scoped(await testPool())
  await template(pool)
  const id = await claimed(pool, { templateId: ID })
  const late = gate()
  pool.services.onReconfigure = async (_id, { instructions }) => {
    if (instructions === 'Plan trips.') await late.pass()
  }
  const first = await sync(pool)
  await late.reached
  await update(pool)
  const second = await sync(pool)
  expect(await finished(pool, second.body)).toMatchObject({ state: 'done' })
  late.open()
  expect(await finished(pool, first.body)).toMatchObject({ state: 'done' })
  expect(told(pool).at(-1)?.body).toMatchObject({ instructions: 'Plan trips well.' })
  expect(await rowOf(pool, id)).toMatchObject({ instructions: 'Plan trips well.', template_version: 2 })
})

test('a template that names no model any more takes away the one that it gave, and none that a claimer chose', async () => {
  const pool = scoped(await testPool())
  await template(pool)
  const [id, own] = [await claimed(pool, { templateId: ID }), await claimed(pool, { templateId: ID, model: 'my/model' })]
  await update(pool, { model: { default: null, allow_override: true } })
  expect(await finished(pool, (await sync(pool)).body)).toMatchObject({ state: 'done', done: 2 })
  const bodies = new Map(told(pool).map(({ path, body }) => [path, body]))
  expect(bodies.get(`/configure/${id}`)).toEqual({ instructions: 'Plan trips.', model: null })
  expect(bodies.get(`/configure/${own}`)).toEqual({ instructions: 'Plan trips.' })
  expect([(await rowOf(pool, id))?.model, (await rowOf(pool, own))?.model]).toEqual([null, 'my/model'])
})

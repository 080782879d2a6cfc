import { scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import type { TemplateRequest } from '../src/contract/template.ts'
import { insertTemplate, updateTemplate } from '../src/db/templates.ts'
import { setTool } from './fake-services.ts'
import { seedReady, statusOf, testPool, type TestPool } from './harness.ts'
import { makeKey } from './keys.ts'
import { claimed } from './operating.ts'

const ID = 'tpl_1'
const content = (change: Partial<TemplateRequest> = {}): TemplateRequest => ({
  agentName: 'planner',
  instructions: 'Plan trips.',
  model: { default: 'their/model', allow_override: true },
  tools: [{ id: 'email', provisioning: 'pool' }],
  visibility: 'public',
  ...change,
})
const template = (pool: TestPool, change: Partial<TemplateRequest> = {}, creator = 'key:pool') =>
  insertTemplate(pool.db, { id: ID, creator, content: content(change) })
const clone = (pool: TestPool, id: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  pool.call('POST', `/api/pool/instances/${id}/clone`, { body, headers })
const configured = (pool: TestPool) => pool.services.called(/POST \/configure/).map(({ body }) => body)
const shown = async (pool: TestPool, id: unknown) => (await pool.call('GET', `/api/pool/instances/${String(id)}`)).body

describe('a clone', () => {
  test('is another agent of the same kind: what the first was told, tools like its, and the caller’s own', async () => {
    const pool = scoped(await testPool())
    const { key } = await makeKey(pool)
    await template(pool)
    const id = await claimed(pool, { templateId: ID, instructions: 'Mine.' }, key)
    await updateTemplate(pool.db, {
      id: ID,
      seen: null,
      author: 'key:pool',
      content: content({ instructions: 'Later.', tools: [] }),
    })
    await seedReady(pool, 1)
    const answer = await clone(pool, id)
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'done', agentName: 'planner', templateId: ID, gatewayToken: expect.any(String) },
    })
    const [first, second] = configured(pool) as Record<string, unknown>[]
    expect(second).toEqual({ ...first, claimId: answer.body['claimId'] })
    expect(await shown(pool, answer.body['instanceId'])).toMatchObject({
      parentInstance: id,
      principal: 'key:pool',
      templateId: ID,
      templateVersion: 1,
      model: 'their/model',
      tools: [{ toolId: 'email', state: 'active' }],
    })
    const { rows } = await pool.db.query<{ overrides: string[] }>('select overrides from instances')
    expect(rows.map(({ overrides }) => overrides)).toEqual([['instructions'], ['instructions']])
    expect(await shown(pool, id)).toMatchObject({ parentInstance: null, status: 'claimed' })
  })

  test('of one without a template may have every tool, as the first', async () => {
    const pool = scoped(await testPool())
    const id = await claimed(pool, { agentName: 'plain', instructions: 'Be.', model: 'm' })
    setTool(pool.services, id, { toolId: 'wallet', resourceId: 'w', state: 'active' })
    await seedReady(pool, 1)
    expect((await clone(pool, id)).body).toMatchObject({ status: 'done', agentName: 'plain', templateId: null })
    expect(configured(pool)[1]).toMatchObject({ instructions: 'Be.', model: 'm', allowedTools: ['email', 'sms'] })
    expect(pool.services.called(/POST \/provision/)).toEqual([])
  })

  test('of one whose template the caller may not use is made without it, and gets no more tools than the first has', async () => {
    const pool = scoped(await testPool())
    const { id: keyId, key } = await makeKey(pool)
    await template(pool, { visibility: 'private' }, `key:${keyId}`)
    const id = await claimed(pool, { templateId: ID }, key)
    await seedReady(pool, 1)
    const { body } = await clone(pool, id)
    expect(body).toMatchObject({ status: 'done', agentName: 'planner', templateId: null, tools: [{ toolId: 'email' }] })
    expect(configured(pool)[1]).toMatchObject({ templateId: null, allowedTools: ['email'], instructions: 'Plan trips.' })
  })

  test('needs the credentials again that its claimer brought', async () => {
    const pool = scoped(await testPool())
    pool.services.onValidate = () => {}
    await template(pool, { tools: [{ id: 'sms', provisioning: 'user' }] })
    const userConfig = { sms: { telnyxApiKey: 'theirs', telnyxPhone: '+13125550123' } }
    const id = await claimed(pool, { templateId: ID, userConfig })
    await seedReady(pool, 1)
    expect(await clone(pool, id)).toMatchObject({
      status: 422,
      body: { code: 'USER_CONFIG_REQUIRED', errors: [{ path: 'userConfig.sms.telnyxApiKey' }, {}] },
    })
    expect(await clone(pool, id, { userConfig: { email: {} } })).toMatchObject({ status: 400 })
    const answer = await clone(pool, id, { userConfig })
    expect(answer.body).toMatchObject({ status: 'done', tools: [{ toolId: 'sms', state: 'user_provided' }] })
  })

  test('sent again with its key is the same clone, even when the first is gone', async () => {
    const pool = scoped(await testPool())
    const id = await claimed(pool)
    await seedReady(pool, 1)
    const once = { 'idempotency-key': 'once' }
    const first = await clone(pool, id, {}, once)
    await pool.call('DELETE', `/api/pool/instances/${id}`)
    await expect.poll(() => statusOf(pool.db, id)).toBeNull()
    expect((await clone(pool, id, {}, once)).body).toEqual(first.body)
    expect(await pool.claim({}, { headers: once })).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_CONFLICT' } })
    expect((await clone(pool, id)).status).toBe(404)
    const another = await claimed(pool)
    expect(await clone(pool, another, {}, once)).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_CONFLICT' } })
  })

  test('waits for an instance like any claim', async () => {
    const pool = scoped(await testPool())
    const id = await claimed(pool)
    expect(await clone(pool, id)).toMatchObject({ status: 503, body: { code: 'POOL_EMPTY' } })
    const waiting = clone(pool, id, { waitMs: 10_000 })
    await expect.poll(async () => (await pool.db.query(`select 1 from claims where state = 'queued'`)).rowCount).toBe(1)
    await seedReady(pool, 1)
    expect((await waiting).body).toMatchObject({ status: 'done' })
  })

  test('of a crashed agent is possible; of what was never an agent, or is not known well enough, not', async () => {
    const pool = scoped(await testPool())
    const id = await claimed(pool)
    const [ready = ''] = await seedReady(pool, 1)
    expect(await clone(pool, ready)).toMatchObject({ status: 409, body: { code: 'WRONG_STATUS' } })
    expect((await clone(pool, 'nobody')).status).toBe(404)
    pool.services.set(id, { state: 'absent', health: null })
    await expect.poll(() => statusOf(pool.db, id)).toBe('crashed')
    expect((await clone(pool, id)).status).toBe(200)
    await pool.db.query({ text: 'update instances set instructions = null where id = $1', values: [id] })
    expect(await clone(pool, id)).toMatchObject({ status: 409, body: { code: 'NOT_CLONEABLE' } })
  })

  test('is for operators, and takes what its body may say', async () => {
    const pool = scoped(await testPool())
    const { key } = await makeKey(pool)
    const id = await claimed(pool, {}, key)
    expect((await pool.call('POST', `/api/pool/instances/${id}/clone`, { key })).status).toBe(403)
    for (const body of [{ agentName: 'x' }, { waitMs: -1 }, { userConfig: 'all' }])
      expect(await clone(pool, id, body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  })
})

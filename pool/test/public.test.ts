import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { testPool, type TestPool, unaudited } from './harness.ts'
import { makeKey } from './keys.ts'
import { claimed } from './operating.ts'

/** Exactly what strangers may know, and nothing beside it. */
const agent = (name: z.ZodType) =>
  z.strictObject({
    id: z.string().regex(/^[a-z0-9]{12}$/),
    agentName: name,
    status: z.enum(['claimed', 'crashed']),
    createdAt: z.iso.datetime(),
    claimedAt: z.iso.datetime(),
  })
const agents = (name: z.ZodType) => z.strictObject({ claimed: z.tuple([agent(name)]), crashed: z.tuple([agent(name)]) })
const count = z.int().min(0)
const Counts = z.strictObject({ provisioning: count, idle: count, claimed: count, crashed: count, stuck: count })
const Version = z.strictObject({ version: z.string(), commit: z.string(), environment: z.literal('dev'), deployment: z.string() })
const Health = z.strictObject({ ok: z.literal(true) })
const Readiness = z.strictObject({
  ok: z.literal(true),
  stopping: z.literal(false),
  checks: z.strictObject({ database: z.literal(true), services: z.literal(true) }),
})

/** Somebody's agent with everything set that a row can hold; what strangers must not see of it says so wherever it turns up. */
async function knownAgent(pool: TestPool, key: string): Promise<string> {
  const body = { agentName: 'known-name', model: 'secret-model', ownerInboxId: 'secret-inbox', instructions: 'secret-task' }
  const id = await claimed(pool, { ...body, expiresAt: '2099-01-01T00:00:00Z' }, key)
  const tools = [{ toolId: 'email', resourceId: 'secret-resource', state: 'active' }]
  pool.services.set(id, { url: 'https://secret.test', image: 'secret-image', tools })
  await eventually('what services says to be seen', async () => {
    const { body: seen } = await pool.call('GET', `/api/pool/instances/${id}`)
    return seen['url'] === 'https://secret.test' && seen['image'] === 'secret-image'
  })
  await unaudited(
    pool.db,
    `update instances set owner_address = 'secret-address', conversation_id = 'secret-conversation', invite_url = 'https://secret.invite',
       status_reason = 'secret-reason' where id = $1`,
    [id],
  )
  return id
}

/** One that is claimed and one that is crashed. */
async function knownAgents(pool: TestPool, key: string): Promise<void> {
  const [, crashed] = [await knownAgent(pool, key), await knownAgent(pool, key)]
  pool.services.set(crashed, { state: 'unreachable', failures: 9 })
  await unaudited(pool.db, `update instances set status = 'crashed' where id = $1`, [crashed])
  await eventually('both to be told of', async () => {
    const { body } = await pool.call('GET', '/api/pool/counts', { key: null })
    return body['claimed'] === 1 && body['crashed'] === 1
  })
}

describe('strangers see', () => {
  test.each([
    ['on', z.literal('known-name')],
    ['off', z.null()],
  ])('of agents what is allowed, and no more, with POOL_PUBLIC_AGENTS=%s', async (shown, name) => {
    const pool = scoped(await testPool({ env: { POOL_PUBLIC_AGENTS: shown } }))
    const [owner, other] = [await makeKey(pool), await makeKey(pool)]
    await knownAgents(pool, owner.key)
    for (const key of [null, 'a key that nobody has', other.key]) {
      const { body, text } = await pool.call('GET', '/api/pool/agents', { key })
      expect(agents(name).safeParse(body).error).toBeUndefined()
      expect(text).not.toMatch(new RegExp(`secret|token|https?:|${owner.id}`))
    }
    // all of which there is to see
    const { body } = await pool.call('GET', '/api/pool/agents')
    for (const each of Object.values(body as Record<string, Record<string, unknown>[]>).flat())
      expect(each).toMatchObject({
        agentName: 'known-name',
        inviteUrl: 'https://secret.invite',
        conversationId: 'secret-conversation',
        ownerId: 'secret-inbox',
        principal: `key:${owner.id}`,
      })
  })

  test.each([
    ['/api/pool/counts', Counts],
    ['/version', Version],
    ['/healthz', Health],
    ['/readyz', Readiness],
  ])('at %s numbers and words about the pool as a whole', async (path, allowed) => {
    const pool = scoped(await testPool())
    await knownAgents(pool, pool.key)
    const { body, text } = await pool.call('GET', path, { key: null })
    expect(allowed.safeParse(body).error).toBeUndefined()
    expect(text).not.toMatch(/secret|known-name|https?:/)
  })

  test('of templates those that are public: not the others, nor what they were before', async () => {
    const pool = scoped(await testPool())
    const [author, other] = [await makeKey(pool), await makeKey(pool)]
    const make = async (visibility: string, agentName: string) => {
      const answer = await pool.call('POST', '/api/templates', {
        key: author.key,
        body: { agentName, instructions: `told to ${agentName}`, visibility },
      })
      return `/api/templates/${String(answer.body['id'])}`
    }
    const [shown, hidden] = [await make('public', 'shown'), await make('private', 'secret')]
    const opened = await make('private', 'secret-before')
    await pool.call('PUT', opened, {
      key: author.key,
      body: { agentName: 'opened', instructions: 'told to all', visibility: 'public' },
    })
    for (const key of [null, other.key]) {
      const { body, text } = await pool.call('GET', '/api/templates', { key })
      expect(body).toMatchObject({ templates: [{ agentName: 'opened' }, { agentName: 'shown' }], truncated: false })
      expect(text).not.toMatch(/secret/)
      for (const path of [hidden, `${hidden}/versions`]) expect((await pool.call('GET', path, { key })).status).toBe(404)
      for (const path of [shown, `${shown}/versions`, opened, `${opened}/versions`])
        expect(await pool.call('GET', path, { key })).toMatchObject({ status: 200, text: expect.not.stringMatching(/secret/) })
    }
  })
})

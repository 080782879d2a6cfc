import { Deadline } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { sweepLostClaims } from '../src/claim/lost.ts'
import type { TemplateRequest, TemplateTool } from '../src/contract/template.ts'
import { insertTemplate, updateTemplate } from '../src/db/templates.ts'
import { configured, problem, setTool } from './fake-services.ts'
import { countRows, seedReady, statusOf, testPool, type TestPool } from './harness.ts'

const EMAIL: TemplateTool = { id: 'email', provisioning: 'pool' }
const OUR_SMS: TemplateTool = { id: 'sms', provisioning: 'pool' }
const THEIR_SMS: TemplateTool = { id: 'sms', provisioning: 'user' }
const ID = 'tpl_1'

function content(change: Partial<TemplateRequest> = {}): TemplateRequest {
  const model = { default: 'their/model', allow_override: true }
  return { agentName: 'planner', instructions: 'Plan trips.', model, tools: [], visibility: 'private', ...change }
}
const template = (pool: TestPool, change: Partial<TemplateRequest> = {}, creator = 'key:pool') =>
  insertTemplate(pool.db, { id: ID, creator, content: content(change) })

const credentials = () => ({ sms: { telnyxApiKey: `canary-${crypto.randomUUID()}`, telnyxPhone: '+13125550123' } })
const claim = (pool: TestPool, body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  pool.claim({ templateId: ID, ...body }, { headers })
const claims = async (pool: TestPool) => {
  const { rows } = await pool.db.query<{ state: string; template_id: string; template_version: number }>(
    'select state, template_id, template_version from claims order by seq',
  )
  return rows
}
const liveTools = (pool: TestPool, id: string) =>
  (pool.services.instances.get(id)?.tools ?? []).filter(({ state }) => state !== 'destroyed')

describe('a claim from a template', () => {
  test('is the template’s agent, and the box is told so', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL] })
    expect((await claim(pool)).body).toMatchObject({ status: 'done', agentName: 'planner', templateId: ID })
    expect(pool.services.called(/configure/)[0]?.body).toMatchObject({
      agentName: 'planner',
      instructions: 'Plan trips.',
      model: 'their/model',
      templateId: ID,
      allowedTools: ['email'],
    })
    expect((await pool.call('GET', `/api/pool/instances/${id}`)).body).toMatchObject({ templateId: ID, templateVersion: 1 })
    expect(await claims(pool)).toEqual([{ state: 'done', template_id: ID, template_version: 1 }])
  })

  test('says itself what it does not want from it', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    await template(pool)
    const own = { agentName: 'mine', instructions: 'Mine.', model: 'my/model' }
    expect((await claim(pool, own)).status).toBe(200)
    expect(pool.services.called(/configure/)[0]?.body).toMatchObject(own)
  })

  test('does not change a model that the template holds fast, but may name it', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    await template(pool, { model: { default: 'their/model', allow_override: false } })
    expect(await claim(pool, { model: 'my/model' })).toMatchObject({ status: 422, body: { code: 'MODEL_NOT_ALLOWED' } })
    expect(await claims(pool)).toEqual([])
    expect((await claim(pool, { model: 'their/model' })).status).toBe(200)
  })

  test('that there is not, or that someone else keeps to himself, is a 404, and no box is touched', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    expect(await claim(pool)).toMatchObject({ status: 404, body: { code: 'TEMPLATE_NOT_FOUND' } })
    await template(pool, {}, 'key:alice')
    expect(await claim(pool)).toMatchObject({ status: 404, body: { code: 'TEMPLATE_NOT_FOUND' } })
    expect(await countRows(pool.db, 'ready')).toBe(1)
    await pool.db.query(`update agent_templates set visibility = 'public'`)
    expect((await claim(pool)).status).toBe(200)
  })

  test('without one, an agent may have every tool that there is', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    await pool.claim()
    expect(pool.services.called(/configure/)[0]?.body).toMatchObject({ templateId: null, allowedTools: ['email', 'sms'] })
  })

  test('is the same claim when repeated, even after the template has changed; with other credentials it is another', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    await template(pool, { tools: [THEIR_SMS] })
    pool.services.onValidate = () => {}
    const key = { 'idempotency-key': 'once' }
    const userConfig = credentials()
    const first = await claim(pool, { userConfig }, key)
    await updateTemplate(pool.db, { id: ID, seen: null, author: 'key:pool', content: content({ agentName: 'changed' }) })
    const again = await claim(pool, { userConfig }, key)
    expect(again.body).toMatchObject({ status: 'done', instanceId: first.body['instanceId'], agentName: 'planner' })
    expect(await claim(pool, { userConfig: credentials() }, key)).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_CONFLICT' },
    })
  })
})

describe('the tools of a claim', () => {
  test('are made all at once, before the box is configured, and shown with their state', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL, OUR_SMS] })
    const both = Promise.withResolvers<void>()
    let asked = 0
    pool.services.onProvision = async (_id, toolId) => {
      if (++asked === 2) both.resolve()
      await both.promise
      return { toolId, resourceId: `r-${toolId}`, state: 'active' }
    }
    const { body } = await claim(pool)
    expect(body['tools']).toEqual([
      { toolId: 'email', resourceId: 'r-email', state: 'active' },
      { toolId: 'sms', resourceId: 'r-sms', state: 'active' },
    ])
    const paths = pool.services.calls.map((call) => call.path).filter((path) => /provision|configure/.test(path))
    expect(paths.toSorted()).toEqual([`/configure/${id}`, `/provision/${id}/email`, `/provision/${id}/sms`])
    expect(paths.at(-1)).toBe(`/configure/${id}`)
  })

  test('are a step of their own, running, failed or done; without tools there is none', async () => {
    const pool = scoped(await testPool())
    const [first = ''] = await seedReady(pool, 4)
    await template(pool, { tools: [EMAIL] })
    const steps = async (id: unknown) => {
      const { body } = await pool.call('GET', `/api/pool/claims/${String(id)}`)
      return (body['steps'] as { name: string; state: string; ms: number | null }[]).map(({ name, state, ms }) => {
        expect(ms === null).toBe(state === 'running')
        return `${name} ${state}`
      })
    }
    const held = Promise.withResolvers<void>()
    const { onProvision } = pool.services
    pool.services.onProvision = async (id, toolId, userConfig) => {
      // what was done on the box that it had before says nothing about the one that it has now
      if (id !== first) await held.promise
      return onProvision(id, toolId, userConfig)
    }
    pool.services.onConfigure = async (id, body) => {
      if (id === first) throw problem(502, 'INSTANCE_FAILED', { fault: 'instance' })
      expect(await steps(body.claimId)).toEqual(['queued done', 'tools done', 'configure running'])
      return configured(pool.services, id, body)
    }
    const answer = claim(pool)
    await eventually('the tools to be asked for', () => pool.services.called(/provision/).length === 2)
    const { rows } = await pool.db.query<{ id: string }>('select id from claims')
    expect(await steps(rows[0]?.id)).toEqual(['queued done', 'tools running'])
    held.resolve()
    expect((await answer).status).toBe(200)
    expect(await steps(rows[0]?.id)).toEqual(['queued done', 'tools done', 'configure done', 'done done'])

    pool.services.onProvision = () => {
      throw problem(502, 'PROVIDER_FAILED')
    }
    expect((await claim(pool)).status).toBe(503)
    const failed = await pool.db.query<{ id: string }>(`select id from claims where state = 'failed'`)
    expect(await steps(failed.rows[0]?.id)).toEqual(['queued done', 'tools failed'])

    pool.services.onConfigure = (id, body) => configured(pool.services, id, body)
    const without = await pool.claim()
    expect(await steps(without.body['claimId'])).toEqual(['queued done', 'configure done', 'done done'])
  })

  test('that are slow come later, and the claim does not wait for them', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL] })
    pool.services.onProvision = (_id, toolId) => ({ toolId, resourceId: null, state: 'creating' })
    const { body } = await claim(pool)
    expect(body).toMatchObject({ status: 'done', tools: [{ toolId: 'email', resourceId: null, state: 'creating' }] })
    setTool(pool.services, id, { toolId: 'email', resourceId: 'late', state: 'active' })
    await eventually('the tool to show', async () => {
      const { tools } = (await pool.call('GET', `/api/pool/claims/${String(body['claimId'])}`)).body
      return JSON.stringify(tools).includes('late')
    })
  })

  test('that do not answer within their share are left to finish by themselves', async () => {
    // a create that must configure with all but 300 ms of its time left
    const pool = scoped(await testPool({ limits: { anotherBoxCreateMs: 29_700 } }))
    await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL] })
    const held = Promise.withResolvers<void>()
    pool.services.onProvision = async (id, toolId) => {
      // it is in the ledger from when it is asked for: a look meanwhile sees it
      setTool(pool.services, id, { toolId, resourceId: null, state: 'creating' })
      await held.promise
      return { toolId, resourceId: 'late', state: 'active' }
    }
    expect((await claim(pool)).body).toMatchObject({ status: 'done', tools: [{ toolId: 'email', state: 'creating' }] })
    held.resolve()
  })
})

describe('the claimer’s own credentials', () => {
  test('that are missing are named field by field', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    await template(pool, { tools: [THEIR_SMS] })
    expect(await claim(pool)).toMatchObject({
      status: 422,
      body: {
        code: 'USER_CONFIG_REQUIRED',
        errors: [{ path: 'userConfig.sms.telnyxApiKey' }, { path: 'userConfig.sms.telnyxPhone' }],
      },
    })
  })

  test('that nobody asked for are refused', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL] })
    const userConfig = { email: { key: 'x' } }
    for (const answer of [await claim(pool, { userConfig }), await pool.claim({ userConfig })])
      expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', errors: [{ path: 'userConfig.email' }] } })
  })

  test('that are wrong, a hundred times, leave the pool full', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 3)
    await template(pool, { tools: [EMAIL, THEIR_SMS] })
    const answers = await Promise.all(Array.from({ length: 100 }, () => claim(pool, { userConfig: credentials() })))
    for (const answer of answers)
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'USER_CONFIG_REJECTED', errors: [{ path: 'userConfig.sms.telnyxApiKey', message: 'is not accepted' }] },
      })
    expect(await countRows(pool.db, 'ready')).toBe(3)
    expect(await claims(pool)).toEqual([])
    expect(pool.services.called(/provision|configure/)).toEqual([])
  })

  test('that cannot be tried now are not taken on trust', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    await template(pool, { tools: [THEIR_SMS] })
    pool.services.onValidate = () => {
      throw problem(502, 'PROVIDER_FAILED')
    }
    const answer = await claim(pool, { userConfig: credentials() })
    expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICES_UNAVAILABLE' } })
    expect(await countRows(pool.db, 'ready')).toBe(1)
  })

  test('that turn out wrong later are told as they are, and the box goes back', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL, THEIR_SMS] })
    pool.services.onValidate = () => {}
    const { onProvision } = pool.services
    pool.services.onProvision = (instanceId, toolId, userConfig) => {
      if (toolId === 'sms') throw problem(422, 'USER_CONFIG_REJECTED')
      return onProvision(instanceId, toolId, userConfig)
    }
    const answer = await claim(pool, { userConfig: credentials() })
    expect(answer).toMatchObject({ status: 422, body: { code: 'USER_CONFIG_REJECTED' } })
    expect(await statusOf(pool.db, id)).toBe('ready')
    expect(liveTools(pool, id)).toEqual([])
  })

  test('reach services, and nothing else: no row, no log line, no answer', async () => {
    const pool = scoped(await testPool())
    const [, failing = ''] = await seedReady(pool, 3)
    await template(pool, { tools: [THEIR_SMS] })
    pool.services.onValidate = () => {}
    pool.services.onConfigure = (id, body) => {
      if (id === failing) throw problem(502, 'INSTANCE_FAILED', { fault: 'instance' })
      return configured(pool.services, id, body)
    }
    const secrets: string[] = []
    const withSecret = async (headers: Record<string, string> = {}) => {
      const userConfig = credentials()
      secrets.push(userConfig.sms.telnyxApiKey)
      return claim(pool, { userConfig }, headers)
    }
    const answers = [await withSecret({ 'idempotency-key': 'k' }), await withSecret()]
    pool.services.onValidate = (_tool, userConfig) => {
      // a refusal that tells back what it was sent
      throw problem(500, 'BROKEN', { echoed: userConfig })
    }
    answers.push(await withSecret())
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 503])
    const tables = ['claims', 'instances', 'instance_events', 'agent_templates', 'template_versions', 'operations']
    const stored = await Promise.all(
      tables.map(async (table) => (await pool.db.query(`select t::text as text from ${table} t`)).rows),
    )
    const bytes = [...answers.map((answer) => answer.text), ...pool.logged, JSON.stringify(stored)].join('\n')
    expect(pool.services.called(/provision/).map((call) => JSON.stringify(call.body))).toEqual(
      [0, 1, 1].map((n) => expect.stringContaining(secrets[n] ?? '')),
    )
    for (const secret of secrets) expect(bytes).not.toContain(secret)
  })
})

describe('a box that is somebody’s agent, which an older copy of the database says is ready', () => {
  const refuse = (): never => {
    throw problem(409, 'FOREIGN_CLAIM', { fault: 'instance' })
  }
  const theirs = { toolId: 'email', resourceId: 'their inbox', state: 'active' }

  test('gets no tool of the claim, which takes another', async () => {
    const pool = scoped(await testPool())
    const [taken = '', free = ''] = await seedReady(pool, 2)
    setTool(pool.services, taken, theirs)
    await template(pool, { tools: [EMAIL, OUR_SMS] })
    const { onProvision } = pool.services
    pool.services.onProvision = (id, ...how) => (id === taken ? refuse() : onProvision(id, ...how))
    const { body } = await claim(pool)
    expect(body).toMatchObject({ status: 'done', instanceId: free })
    expect(await statusOf(pool.db, taken)).toBe('crashed')
    expect(pool.services.called(/^DELETE/)).toEqual([])
    expect(pool.services.called(/^POST .provision/).map((call) => call.body)).toContainEqual({ claimId: body['claimId'] })
  })

  test('keeps its tools where those of a claim that failed are taken back', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    setTool(pool.services, id, theirs)
    await template(pool, { tools: [OUR_SMS] })
    pool.services.onProvision = () => {
      throw problem(502, 'PROVIDER_FAILED')
    }
    pool.services.onTakeTool = refuse
    expect(await claim(pool)).toMatchObject({ status: 503, body: { code: 'TOOLS_UNAVAILABLE' } })
    expect(await statusOf(pool.db, id)).toBe('crashed')
    expect(liveTools(pool, id)).toEqual([theirs])
    expect(pool.services.called(/^DELETE/)).toHaveLength(1)
  })
})

describe('a tool that cannot be made', () => {
  const failing = (pool: TestPool) => {
    const { onProvision } = pool.services
    pool.services.onProvision = (instanceId, toolId, userConfig) => {
      if (toolId === 'sms') throw problem(502, 'PROVIDER_FAILED')
      return onProvision(instanceId, toolId, userConfig)
    }
  }

  test('fails the claim with 503, and the box goes back only after the claim’s tools are gone', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    setTool(pool.services, id, { toolId: 'wallet', resourceId: 'w', state: 'active' })
    await template(pool, { tools: [EMAIL, OUR_SMS] })
    failing(pool)
    let isGone = false
    pool.services.onTakeTool = () => isGone
    const answer = claim(pool, {}, { 'idempotency-key': 'k' })
    await eventually('the tool to be taken, and asked for again', () => pool.services.called(/^DELETE .*email/).length >= 2)
    expect(await statusOf(pool.db, id)).toBe('claiming')
    isGone = true
    expect(await answer).toMatchObject({ status: 503, body: { code: 'TOOLS_UNAVAILABLE' } })
    expect(await statusOf(pool.db, id)).toBe('ready')
    // what it had from its first boot on is not the claim's
    expect(liveTools(pool, id)).toEqual([{ toolId: 'wallet', resourceId: 'w', state: 'active' }])
    expect(pool.services.called(/configure/)).toEqual([])
    const { rows } = await pool.db.query('select touched_at, idem_key from instances i, claims c')
    expect(rows).toEqual([{ touched_at: null, idem_key: null }])
  })

  test('waits for another one that is still being made, to take that too', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL, OUR_SMS] })
    pool.services.onProvision = (_id, toolId) => {
      if (toolId === 'sms') throw problem(502, 'PROVIDER_FAILED')
      return { toolId, resourceId: null, state: 'creating' }
    }
    const answer = claim(pool)
    await eventually('the refusal', () => pool.logged.some((line) => line.includes('could not be provisioned')))
    setTool(pool.services, id, { toolId: 'email', resourceId: 'late', state: 'active' })
    expect((await answer).status).toBe(503)
    expect(pool.services.called(/^DELETE/).map((call) => call.path)).toContain(`/destroy/${id}/email/_`)
    expect(await statusOf(pool.db, id)).toBe('ready')
  })

  test('and has left something without an id is taken all the same', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL] })
    pool.services.onProvision = (_id, toolId) => ({ toolId, resourceId: null, state: 'failed' })
    expect(await claim(pool)).toMatchObject({ status: 503, body: { code: 'TOOLS_UNAVAILABLE' } })
    expect(await statusOf(pool.db, id)).toBe('ready')
    expect(liveTools(pool, id)).toEqual([])
  })

  test('takes the tools of a claimer who has left, too', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL] })
    const held = Promise.withResolvers<void>()
    const { onProvision } = pool.services
    pool.services.onProvision = async (...p) => {
      await held.promise
      return onProvision(...p)
    }
    const leaving = new AbortController()
    const left = pool.claim({ templateId: ID }, { signal: leaving.signal })
    await eventually('the provisioning', () => pool.services.called(/provision/).length === 1)
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    await eventually('pool to notice', () => pool.logged.some((line) => /request (aborted|completed|errored)/.test(line)))
    held.resolve()
    await eventually('the box to be back', async () => (await statusOf(pool.db, id)) === 'ready')
    expect(liveTools(pool, id)).toEqual([])
    expect((await claims(pool)).map((row) => row.state)).toEqual(['cancelled'])
  })

  test('keeps the box from everyone where another one was not answered in time: it may come when nobody looks any more', async () => {
    const limits = { claimCreateMs: 5_500, readyPollMs: 600_000 }
    const pool = scoped(await testPool({ limits, env: { TICK_INTERVAL_MS: '600000' } }))
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL, THEIR_SMS] })
    pool.services.onValidate = () => {}
    const held = Promise.withResolvers<void>()
    const { onProvision } = pool.services
    pool.services.onProvision = async (instanceId, toolId, userConfig) => {
      if (toolId === 'email') throw problem(502, 'PROVIDER_FAILED')
      await held.promise
      return onProvision(instanceId, toolId, userConfig)
    }
    expect(await claim(pool, { userConfig: credentials() })).toMatchObject({ status: 503, body: { code: 'TOOLS_UNAVAILABLE' } })
    expect(await statusOf(pool.db, id)).toBe('stuck')
    held.resolve()
    await eventually('what was asked for', () => liveTools(pool, id).length === 1)
    expect(await pool.claim()).toMatchObject({ status: 503, body: { code: 'POOL_EMPTY' } })
    expect(pool.services.called(/configure/)).toEqual([])
  })
})

describe('a pool that is killed between its tools and its box', () => {
  /** It never hears of the tool that it asked for, and the lease on its claim runs out. */
  async function killed(state: string, resourceId: string | null) {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000 } }))
    const [id = ''] = await seedReady(pool, 1)
    await template(pool, { tools: [EMAIL] })
    const held = Promise.withResolvers<void>()
    pool.services.onProvision = async (_id, toolId) => {
      setTool(pool.services, id, { toolId, resourceId, state })
      await held.promise
      throw problem(503, 'GONE')
    }
    const answer = claim(pool).catch(() => null)
    await eventually('the tool to be there', () => liveTools(pool, id).length === 1)
    const sweep = async () => {
      await pool.db.query(`update claims set lease_until = clock_now() - interval '1 s'`)
      await sweepLostClaims(pool.ctx, new Deadline(1_000))
      return statusOf(pool.db, id)
    }
    const wake = async () => {
      held.resolve()
      await answer
      return statusOf(pool.db, id)
    }
    return { pool, id, sweep, wake }
  }

  test('the box is kept with its tools where services knows it as another claim’s', async () => {
    const { pool, id, sweep, wake } = await killed('active', 'their inbox')
    pool.services.onTakeTool = () => {
      throw problem(409, 'FOREIGN_CLAIM', { fault: 'instance' })
    }
    expect(await sweep()).toBe('crashed')
    expect(liveTools(pool, id)).toHaveLength(1)
    expect(await wake()).toBe('crashed')
  })

  test('the box goes back once another one has taken the tools, and not before', async () => {
    const { pool, id, sweep, wake } = await killed('active', 'orphan')
    let isGone = false
    pool.services.onTakeTool = () => isGone
    expect(await sweep()).toBe('claiming')
    isGone = true
    expect(await sweep()).toBe('ready')
    expect(liveTools(pool, id)).toEqual([])
    expect((await claims(pool)).map((row) => row.state)).toEqual(['failed'])
    expect(await wake()).toBe('ready')
  })

  test('an answer that says nothing keeps it waiting', async () => {
    const { pool, id, sweep, wake } = await killed('active', 'orphan')
    pool.services.set(id, { state: 'unknown', tools: [] })
    expect(await sweep()).toBe('claiming')
    pool.services.set(id, { state: 'healthy' })
    expect(await sweep()).toBe('ready')
    await wake()
  })
})

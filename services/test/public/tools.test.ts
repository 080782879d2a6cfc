import { Problem } from '@convos/kit'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { PublicDeps } from '../../src/public/context.ts'
import { as, createPublicHarness, type Instance, type PublicHarness, TOOLS } from './support.ts'

let h: PublicHarness
beforeAll(async () => {
  h = await createPublicHarness(inject('postgresUrl'))
})
afterAll(() => h.close())

type Asked = Parameters<PublicDeps['provisionTool']>[0]

/** Another part of services that is asked for a tool, and what it answers. */
function provisioning(state: string) {
  const asked: Asked[] = []
  const provisionTool: PublicDeps['provisionTool'] = (p) => {
    asked.push(p)
    const resourceId = state === 'creating' ? null : 'id of it'
    return Promise.resolve({ toolId: p.toolId, resourceId, config: { phoneNumber: '+1' }, state, error: null })
  }
  return { asked, app: h.app({ provisionTool }) }
}

describe('a tool that an instance asks for', () => {
  test('is asked for in its own name, with its quota', async () => {
    const instance = await h.addInstance({ allowedTools: ['email'] })
    const { asked, app } = provisioning('active')
    const { body } = await as(app, instance).post(`/provision/${instance.id}/email`).expect(200)
    expect(body).toEqual({ toolId: 'email', resourceId: 'id of it', config: { phoneNumber: '+1' }, state: 'active', error: null })
    const quota = { max: 3, perMs: 30 * 24 * 3_600_000 }
    expect(asked).toEqual([{ instanceId: instance.id, toolId: 'email', requestedBy: 'instance', quota }])
  })

  test('is on its way with 202', async () => {
    const instance = await h.addInstance()
    const { body } = await as(provisioning('creating').app, instance).post(`/provision/${instance.id}/sms`).expect(202)
    expect(body).toMatchObject({ resourceId: null, state: 'creating' })
  })

  test.each([
    ['is given to every instance by us', 'openrouter', TOOLS],
    ['its template does not have', 'crypto', ['email', 'sms']],
    ['nobody allowed', 'email', null],
    ['does not exist', 'constructor', ['constructor']],
  ])('is refused when it is one that %s', async (_name, toolId, allowedTools) => {
    const instance = await h.addInstance({ allowedTools })
    const { asked, app } = provisioning('active')
    const { body } = await as(app, instance).post(`/provision/${instance.id}/${toolId}`).expect(403)
    expect(body).toMatchObject({ code: 'TOOL_NOT_ALLOWED' })
    await as(app, instance).delete(`/destroy/${instance.id}/${toolId}/x`).expect(403)
    expect(asked).toEqual([])
  })

  test('takes no credentials', async () => {
    const instance = await h.addInstance()
    const { asked, app } = provisioning('active')
    await as(app, instance)
      .post(`/provision/${instance.id}/sms`)
      .send({ userConfig: { telnyxApiKey: 'k' } })
      .expect(400)
    await as(app, instance).post(`/provision/${instance.id}/sms`).send({}).expect(200)
    expect(asked).toHaveLength(1)
  })

  test('is one too many when its quota says so, and that is an event', async () => {
    const instance = await h.addInstance()
    const refuse = () => Promise.reject(new Problem({ status: 429, code: 'QUOTA', headers: { 'Retry-After': '60' } }))
    const res = await as(h.app({ provisionTool: refuse }), instance)
      .post(`/provision/${instance.id}/email`)
      .expect(429)
    expect([res.body.code, res.headers['retry-after']]).toEqual(['QUOTA', '60'])
    expect((await h.events(instance)).map(({ detail }) => detail)).toEqual([
      { code: 'QUOTA', tool: 'email', operation: 'provisionOwnTool' },
    ])
  })

  test('is given back, at once or in a while', async () => {
    const instance = await h.addInstance()
    const destroyed: unknown[] = []
    const app = (ok: boolean) => h.app({ destroyTool: (p) => Promise.resolve(void destroyed.push(p)).then(() => ({ ok })) })
    const path = `/destroy/${instance.id}/email/${encodeURIComponent('a+b@mail.example')}`
    await as(app(false), instance).delete(path).expect(202, { ok: false })
    await as(app(true), instance).delete(path).expect(200, { ok: true })
    const asked = { instanceId: instance.id, toolId: 'email', resourceId: 'a+b@mail.example' }
    expect(destroyed).toEqual([asked, asked])
  })
})

describe('what an instance has', () => {
  const toolsOf = async (instance: Instance) => {
    const { body } = await as(h.app(), instance).get(`/tools/${instance.id}`).expect(200)
    expect(JSON.stringify(body)).not.toContain('sealed')
    return body.tools as { toolId: string; allowed: boolean; state: string }[]
  }

  test('is told with what it may still get, and without secrets', async () => {
    const instance = await h.addInstance()
    const other = await h.addInstance()
    await h.addResource(other, { toolId: 'wallet' })
    const key = await h.addResource(instance, { toolId: 'openrouter', config: { limit: 20 } })
    await h.addResource(instance, { toolId: 'email', kind: 'inbox', config: { address: 'a@b' } })
    await h.addResource(instance, { toolId: 'email', kind: 'key', position: 1, state: 'creating', config: { scope: 'inbox' } })
    expect(await toolsOf(instance)).toEqual([
      { toolId: 'openrouter', name: 'The openrouter', resourceId: key, state: 'active', allowed: false, config: { limit: 20 } },
      // as a whole not there yet
      {
        toolId: 'email',
        name: 'The email',
        resourceId: null,
        state: 'creating',
        allowed: false,
        config: { address: 'a@b', scope: 'inbox' },
      },
      { toolId: 'sms', name: 'The sms', resourceId: null, state: 'none', allowed: true, config: {} },
    ])
  })

  test('is what its template allows, besides what it has', async () => {
    const instance = await h.addInstance({ allowedTools: ['sms', 'wallet', 'crypto'] })
    expect((await toolsOf(instance)).map(({ toolId, allowed }) => [toolId, allowed])).toEqual([['sms', true]])
  })

  test.each([
    ['may be had again', 2, 'destroyed', 'none', true],
    ['may not, after three within 30 days', 3, 'destroyed', 'none', false],
    ['may be tried again when it failed', 1, 'failed', 'failed', true],
    ['may not be had twice', 1, 'active', 'active', false],
    ['is the claimer’s own', 1, 'user_provided', 'user_provided', false],
    ['is forgotten when its provider keeps it', 1, 'retained', 'none', true],
  ])('and what is gone %s', async (_name, times, ended, state, allowed) => {
    const instance = await h.addInstance({ allowedTools: ['sms'] })
    for (const daysAgo of [31, 32])
      await h.addResource(instance, { toolId: 'sms', state: 'destroyed', requestedBy: 'instance', daysAgo })
    await h.addResource(instance, { toolId: 'sms', state: 'destroyed' })
    for (let i = 0; i < times; i++)
      await h.addResource(instance, { toolId: 'sms', state: ended, requestedBy: 'instance', daysAgo: 29 })
    expect(await toolsOf(instance)).toMatchObject([{ toolId: 'sms', state, allowed }])
  })
})

describe('credits', () => {
  const creditsWith = async (usage: Awaited<ReturnType<PublicDeps['toolUsage']>>) => {
    const instance = await h.addInstance()
    const asked: string[][] = []
    const app = h.app({ toolUsage: (...of) => Promise.resolve(void asked.push(of)).then(() => usage) })
    const { body } = await as(app, instance).get(`/credits/${instance.id}`).expect(200)
    expect(asked).toEqual([[instance.id, 'openrouter']])
    return body as unknown
  }
  const unknown = { limit: null, remaining: null, used: null, reset: null, exhausted: null, at: null }

  test('are what was last measured', async () => {
    const sample = { limit: 20, remaining: 0, used: 20, reset: 'monthly', exhausted: 'key_limit' }
    const at = '2030-01-01T00:00:00.000Z'
    expect(await creditsWith({ at, sample: { ...sample, accountRemaining: 1000, disabled: false } })).toEqual({ ...sample, at })
    expect(await creditsWith({ at, sample: { limit: 'much', used: 1 } })).toEqual({ ...unknown, used: 1, at })
  })

  test('are unknown before', async () => {
    expect(await creditsWith(null)).toEqual(unknown)
  })
})

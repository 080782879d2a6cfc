import { randomUUID } from 'node:crypto'
import { inject, afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPublicHarness, type Instance, type PublicHarness } from '../../../../../services/test/public/support.ts'
import { gateway, serve } from './support.ts'

type PublicDeps = PublicHarness['deps']

/** The tools against services' real public listener. */
let h: PublicHarness
beforeAll(async () => {
  h = await createPublicHarness(inject('postgresUrl'), { smsPerDay: 2 })
})
afterAll(() => h.close())

let sent: { from: string; to: string; text: string }[]
beforeEach(() => {
  sent = []
})
const FRIEND = '+14155550123'

/** An agent of this instance, and services that provision and send as told. */
async function agentOf(instance: Instance, over: Partial<PublicDeps> = {}) {
  const texts: PublicDeps['texts'] = {
    send: (text) => Promise.resolve(void sent.push(text)).then(() => ({ providerId: randomUUID(), state: 'queued' })),
  }
  const url = await serve(h.app({ texts, ...over }))
  return await gateway({ SERVICES_URL: url, INSTANCE_ID: instance.id, INSTANCE_SERVICES_TOKEN: instance.token })
}
const provisioned = (state: string): Partial<PublicDeps> => ({
  provisionTool: ({ toolId }) =>
    Promise.resolve({
      toolId,
      resourceId: state === 'creating' ? null : 'r',
      config: { address: 'a@b.example' },
      state,
      error: null,
    }),
})

describe('what an agent has', () => {
  test('is told with what it may get', async () => {
    const instance = await h.addInstance({ allowedTools: ['email', 'sms'] })
    await h.addResource(instance, { toolId: 'email', config: { address: 'a@b.example' } })
    expect((await (await agentOf(instance)).use('list_tools')).text).toBe(
      'email (The email): ready; address: a@b.example\nsms (The sms): not there, can be had',
    )
  })

  test('may grow, when its template allows it', async () => {
    const instance = await h.addInstance({ allowedTools: ['email'] })
    const { use } = await agentOf(instance, provisioned('active'))
    expect(await use('provision_tool', { toolId: 'email' })).toEqual({
      ok: true,
      text: 'email is ready; address: a@b.example. Its variables are there within moments, without a restart.',
    })
    expect(await use('provision_tool', { toolId: 'sms' })).toEqual({
      ok: false,
      text: expect.stringContaining('template does not allow'),
    })
    const slow = await agentOf(instance, provisioned('creating'))
    expect((await slow.use('provision_tool', { toolId: 'email' })).text).toContain('Call list_tools in a minute')
  })

  test('is nothing before somebody has claimed it, or with another’s token', async () => {
    const free = await h.addInstance({ claimed: false })
    expect((await (await agentOf(free)).use('list_tools')).text).toContain('only after somebody has claimed')
    const [mine, other] = [await h.addInstance(), await h.addInstance()]
    expect((await (await agentOf({ id: other.id, token: mine.token })).use('list_tools')).text).toContain('your own tools only')
    expect((await (await agentOf({ id: mine.id, token: 'nobodys-token' })).use('list_tools')).text).toContain(
      'do not accept the token',
    )
  })
})

test('credits are told in dollars', async () => {
  const sample = { limit: 20, remaining: 12.5, used: 7.5, reset: 'monthly', exhausted: null }
  const { use } = await agentOf(await h.addInstance(), {
    toolUsage: () => Promise.resolve({ at: '2026-03-01T00:00:00.000Z', sample }),
  })
  expect((await use('credits')).text).toBe(
    '$12.50 are left of $20.00. $7.50 were used. The limit starts anew: monthly. Measured at 2026-03-01T00:00:00.000Z.',
  )
  const { use: unmeasured } = await agentOf(await h.addInstance())
  expect((await unmeasured('credits')).text).toBe('There is no limit that is known. Nothing was measured yet.')
})

describe('texts', () => {
  test('are sent from the agent’s number, up to a cap, and can be read', async () => {
    const { instance, number } = await h.withNumber()
    const { use } = await agentOf(instance)
    for (const text of ['one', 'two']) expect(await use('sms_send', { to: FRIEND, text })).toMatchObject({ ok: true })
    expect(sent).toEqual([
      { from: number, to: FRIEND, text: 'one' },
      { from: number, to: FRIEND, text: 'two' },
    ])
    expect(await use('sms_send', { to: FRIEND, text: 'three' })).toEqual({
      ok: false,
      text: expect.stringMatching(/used up\. It works again in/),
    })

    const { text } = await use('sms_read', {})
    expect(text).toMatch(/^\[Texts of others .*\]\n.* to \+14155550123 \(sent\): "one" .*\n.* "two" /)
    const [, first = ''] = /"one" \(id (\S+)\)/.exec(text) ?? []
    expect((await use('sms_read', { after: first })).text).not.toContain('"one"')
  })

  test('with the same words are two texts, not one', async () => {
    const { instance } = await h.withNumber()
    const { use } = await agentOf(instance)
    for (let i = 0; i < 2; i++) await use('sms_send', { to: FRIEND, text: 'again' })
    expect(sent).toHaveLength(2)
  })

  test('need a number, and one to send to', async () => {
    const { use } = await agentOf(await h.addInstance())
    expect((await use('sms_send', { to: FRIEND, text: 'x' })).text).toContain('provision_tool with toolId "sms"')
    expect((await use('sms_send', { to: '0155', text: 'x' })).text).toContain('E.164')
  })
})

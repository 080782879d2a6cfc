import { describe, expect, test } from 'vitest'
import { openGate } from '../../src/budget/gate.ts'
import { AGENTMAIL_API_URL, agentmail, type AgentmailOptions } from '../../src/plugins/agentmail.ts'
import { NotYet } from '../../src/saga.ts'
import { toolContract } from './contract.ts'
import { keyOf, makeAll, newId, useProvider } from './world.ts'

const world = useProvider('agentmail')
const plugin = (over: Partial<AgentmailOptions> = {}) =>
  agentmail({ url: world.url(), apiKey: 'am_organization', domain: null, ...over }, openGate)

toolContract(world, {
  plugin: (url = world.url()) => plugin({ url }),
  usualUrl: AGENTMAIL_API_URL,
  variables: { inbox: ['AGENTMAIL_INBOX_ID'], key: ['AGENTMAIL_API_KEY', 'AGENTMAIL_API_URL'] },
  creation: { inbox: { method: 'POST', path: '/inboxes' }, key: { method: 'POST', path: '/inboxes/*/api-keys' } },
  strangers: () => world.request('POST', '/inboxes', { client_id: 'somebody' }),
  // of a key that it does not know, the gateway says nothing else
  refusal: { status: 403, body: { message: 'Forbidden' } },
  alive: ({ inboxes = [], inboxKeys = [] }) => [...inboxes, ...inboxKeys],
})

const [inbox, key] = [() => plugin().resources[0], () => plugin().resources[1]]
const createInbox = (instanceId: string, generation = 1) =>
  inbox().create({ instanceId, key: keyOf(instanceId, generation), made: {} })
const answer = (status: number, body: unknown, path = '/inboxes', times = 1) =>
  world.fault({ match: { path }, times, effect: { kind: 'status', status, body, headers: {} } })

describe('an inbox', () => {
  test('is named after its instance, and each later one of the same instance anew', async () => {
    const id = newId()
    const first = await createInbox(id)
    await inbox().destroy(first.resourceId)
    const second = await createInbox(id, 2)
    expect([first.resourceId, second.resourceId]).toEqual([`agent-${id}@agentmail.to`, `agent-${id}-2@agentmail.to`])
  })

  test('is on the domain that we were given', async () => {
    await world.set({ verifiedDomains: ['mail.example'] })
    const id = newId()
    const created = await plugin({ domain: 'mail.example' }).resources[0].create({ instanceId: id, key: keyOf(id), made: {} })
    expect(created.config).toEqual({ address: `agent-${id}@mail.example` })
  })

  test('gets another name when somebody has taken its own', async () => {
    const id = newId()
    await world.request('POST', '/inboxes', { username: `agent-${id}` })
    expect((await createInbox(id)).resourceId).toMatch(new RegExp(`^agent-${id}-[0-9a-f]{6}@agentmail.to$`))
  })

  test.each([403, 409])('gives up when it is told with %i that every name is taken', async (status) => {
    answer(status, { name: 'IsTakenError', code: 'resource_taken', message: 'Inbox is already taken' }, '/inboxes', 3)
    await expect(createInbox(newId())).rejects.toMatchObject({ kind: 'conflict', uncertain: false })
    expect(world.asked('POST', /\/inboxes$/)).toBe(3)
  })

  test('is refused for good while the plan has no room, which is not a matter of credentials', async () => {
    await world.set({ inboxLimit: 0 })
    const refused = { kind: 'permanent', uncertain: false, message: expect.stringContaining('no room') as string }
    await expect(createInbox(newId())).rejects.toMatchObject(refused)
    for (const said of [{ name: 'LimitExceededError' }, { code: 'limit_exceeded' }]) {
      answer(403, { ...said, message: 'Inbox limit exceeded' })
      await expect(createInbox(newId())).rejects.toMatchObject(refused)
    }
  })

  test('is refused for good on a domain that is not verified', async () => {
    const id = newId()
    const { create } = plugin({ domain: 'mail.example' }).resources[0]
    await expect(create({ instanceId: id, key: keyOf(id), made: {} })).rejects.toMatchObject({
      kind: 'permanent',
      message: expect.stringContaining('not verified') as string,
    })
  })

  test('that is being deleted is asked about later', async () => {
    const { resourceId } = await createInbox(newId())
    answer(409, { name: 'ConflictError', code: 'resource_deleting', message: 'Resource is being deleted' }, '/inboxes/*')
    await expect(inbox().destroy(resourceId)).rejects.toBeInstanceOf(NotYet)
    await inbox().destroy(resourceId)
  })

  test('is found on whatever page of the list it is', async () => {
    const id = newId()
    await createInbox(id)
    await Promise.all(Array.from({ length: 120 }, (_, i) => world.request('POST', '/inboxes', { client_id: `other-${i}` })))
    expect(await inbox().find(keyOf(id))).toEqual([`agent-${id}@agentmail.to`])
    expect((await inbox().list?.())?.map(({ key: listed }) => listed)).toEqual([keyOf(id)])
  })
})

describe('its key', () => {
  async function made() {
    const created = await makeAll(world, plugin(), newId())
    const secret = created['key']?.envVars['AGENTMAIL_API_KEY'] ?? ''
    const ask = (method: string, path: string) => world.request(method, path, undefined, { authorization: `Bearer ${secret}` })
    return { id: created['inbox']?.resourceId ?? '', keyId: created['key']?.resourceId ?? '', ask }
  }

  test('opens its inbox and no other', async () => {
    const [one, other] = [await made(), await made()]
    expect(await one.ask('GET', `/inboxes/${one.id}/messages`)).toMatchObject({ count: 0 })
    await expect(one.ask('GET', `/inboxes/${other.id}/messages`)).rejects.toThrow('404')
  })

  test('neither makes keys nor deletes the inbox', async () => {
    const { id, ask } = await made()
    await expect(ask('POST', `/inboxes/${id}/api-keys`)).rejects.toThrow('403')
    await expect(ask('DELETE', `/inboxes/${id}`)).rejects.toThrow('403')
  })

  test('went with its inbox', async () => {
    const { id, keyId } = await made()
    await inbox().destroy(id)
    await expect(key()?.destroy(keyId)).resolves.toBeUndefined()
    const instanceId = /^agent-(\w+)@/.exec(id)?.[1] ?? ''
    expect(await key()?.find(keyOf(instanceId))).toEqual([])
  })
})

test('without an API key there is no mail', () => {
  expect(agentmail(null, openGate).available).toBe(false)
})

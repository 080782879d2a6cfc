import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAgentMail } from '../src/simulators/agentmail/index.ts'
import { scoped } from '../src/testing/index.ts'
import { absent, type AgentMailApi, refusal, startAgentMail } from './support/agentmail-api.ts'
import { mount } from './support/mount.ts'

const CLIENT_ID = 'convos.dep1.dev.abcdefghijkl'

let agentmail: AgentMailApi
beforeEach(async () => {
  agentmail = await startAgentMail()
})
afterEach(() => agentmail[Symbol.asyncDispose]())

describe('inboxes, by the official SDK', () => {
  test('are created with an address that is their id, and read back', async () => {
    const inbox = await agentmail.newInbox({ username: 'Tokyo-Guide', displayName: 'Tokyo guide', metadata: { size: 2 } })
    expect(inbox).toMatchObject({
      inboxId: 'tokyo-guide@agentmail.to',
      email: 'tokyo-guide@agentmail.to',
      displayName: 'Tokyo guide',
      metadata: { size: 2 },
      podId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(inbox.createdAt.getTime()).toBeGreaterThan(Date.now() - 60_000)
    expect(await agentmail.sdk().inboxes.get(inbox.inboxId)).toEqual(inbox)
  })

  test('without a username get an address that nobody can guess', async () => {
    const addresses = [await agentmail.newInbox(), await agentmail.newInbox()].map((inbox) => inbox.email)
    expect(addresses[0]).toMatch(/^[0-9a-f]{12}@agentmail\.to$/)
    expect(new Set(addresses).size).toBe(2)
  })

  test('are the same one for the same client id, whatever else the repetition says', async () => {
    const first = await agentmail.newInbox({ clientId: CLIENT_ID, username: 'first' })
    const again = await agentmail.newInbox({ clientId: CLIENT_ID, username: 'second' })
    expect(again).toEqual(first)
    expect((await agentmail.sdk().inboxes.list()).inboxes).toEqual([first])
  })

  test('a deleted one frees its client id, but not its address', async () => {
    const { inboxId } = await agentmail.newInbox({ clientId: CLIENT_ID, username: 'once' })
    await agentmail.sdk().inboxes.delete(inboxId)
    expect(await refusal(agentmail.newInbox({ clientId: CLIENT_ID, username: 'once' }))).toMatchObject({ status: 403 })
    expect((await agentmail.newInbox({ clientId: CLIENT_ID })).inboxId).not.toBe(inboxId)
  })

  test('are renamed and labelled; metadata merges, null takes a key away', async () => {
    const { inboxId } = await agentmail.newInbox({ displayName: 'old', metadata: { kept: 'yes', gone: true } })
    const changed = await agentmail.sdk().inboxes.update(inboxId, { metadata: { gone: null, added: 1 } })
    expect(changed).toMatchObject({ displayName: 'old', metadata: { kept: 'yes', added: 1 } })
    expect(changed.metadata).not.toHaveProperty('gone')
    const cleared = await agentmail.sdk().inboxes.update(inboxId, { displayName: 'new', metadata: null })
    expect(cleared).toMatchObject({ displayName: 'new' })
    expect(cleared.metadata).toBeUndefined()
  })

  test('are gone once they are deleted, with their mail and their keys', async () => {
    const { inboxId } = await agentmail.newInbox()
    const { apiKey } = await agentmail.keyFor(inboxId)
    await agentmail.sdk().inboxes.delete(inboxId)
    for (const request of [
      () => agentmail.sdk().inboxes.get(inboxId),
      () => agentmail.sdk().inboxes.delete(inboxId),
      () => agentmail.sdk().inboxes.messages.list(inboxId),
    ]) {
      expect(await refusal(request())).toEqual(absent)
    }
    expect(await refusal(agentmail.sdk(apiKey).inboxes.get(inboxId))).toEqual({ status: 403, body: { message: 'Forbidden' } })
    expect(agentmail.simulator.resources()).toEqual({ inboxes: [], inboxKeys: [] })
  })

  test('are listed in pages, the newest first, and none twice though others come and go', async () => {
    const made = []
    for (let i = 0; i < 5; i++) made.push((await agentmail.newInbox()).inboxId)
    const first = await agentmail.sdk().inboxes.list({ limit: 2 })
    expect(first).toMatchObject({ count: 2, limit: 2, nextPageToken: expect.any(String) })
    await agentmail.newInbox()
    await agentmail.sdk().inboxes.delete(first.inboxes[1]?.inboxId ?? '')
    const seen = [...first.inboxes]
    for (let token = first.nextPageToken; token !== undefined;) {
      const next = await agentmail.sdk().inboxes.list({ limit: 2, pageToken: token })
      seen.push(...next.inboxes)
      token = next.nextPageToken
    }
    expect(seen.map((inbox) => inbox.inboxId)).toEqual(made.toReversed())
    expect((await agentmail.sdk().inboxes.list({ ascending: true, limit: 1 })).inboxes[0]?.inboxId).toBe(made[0])
    expect(await refusal(agentmail.sdk().inboxes.list({ pageToken: 'made-up' }))).toMatchObject({
      status: 400,
      body: { code: 'validation_error' },
    })
  })
})

describe('limits and refusals', () => {
  test('a full plan says so in words of its own, and a repeated client id still answers', async () => {
    await agentmail.control('PATCH', '/settings', { inboxLimit: 1 })
    const only = await agentmail.newInbox({ clientId: CLIENT_ID })
    expect(await refusal(agentmail.newInbox())).toEqual({
      status: 403,
      body: expect.objectContaining({
        name: 'LimitExceededError',
        message: 'Inbox limit exceeded',
        code: 'limit_exceeded',
        limit: 1,
      }),
    })
    expect(await agentmail.newInbox({ clientId: CLIENT_ID })).toEqual(only)
    expect(await agentmail.sdk().organizations.get()).toMatchObject({ inboxCount: 1, inboxLimit: 1 })
    await agentmail.sdk().inboxes.delete(only.inboxId)
    expect(await agentmail.newInbox()).toHaveProperty('inboxId')
  })

  test('an address is taken once, and only on domains that are verified', async () => {
    await agentmail.newInbox({ username: 'taken' })
    expect(await refusal(agentmail.newInbox({ username: 'TAKEN' }))).toMatchObject({
      status: 403,
      body: { code: 'resource_taken' },
    })
    const elsewhere = { username: 'taken', domain: 'mail.example.org' }
    expect(await refusal(agentmail.newInbox(elsewhere))).toMatchObject({ status: 403, body: { code: 'domain_not_verified' } })
    await agentmail.control('PATCH', '/settings', { verifiedDomains: ['mail.example.org'] })
    expect((await agentmail.newInbox(elsewhere)).email).toBe('taken@mail.example.org')
  })

  test.each([
    ['a client id with a colon', { client_id: 'convos:dep1:dev:abcdefghijkl' }],
    ['a client id that is too long', { client_id: 'x'.repeat(257) }],
    ['a username with a space', { username: 'two words' }],
    ['metadata that is not flat', { metadata: { nested: { no: true } } }],
  ])('%s is a validation error that names the field', async (_what, body) => {
    const answer = await agentmail.call('POST', '/inboxes', { body })
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({
        name: 'ValidationError',
        code: 'validation_error',
        errors: [expect.objectContaining({ path: expect.arrayContaining([Object.keys(body)[0]]) })],
      }),
    ])
  })

  test('an empty change is refused', async () => {
    const { inboxId } = await agentmail.newInbox()
    expect(await refusal(agentmail.sdk().inboxes.update(inboxId, {}))).toMatchObject({
      status: 400,
      body: { code: 'validation_error' },
    })
    expect(await refusal(agentmail.sdk().inboxes.update(inboxId, { metadata: {} }))).toMatchObject({ status: 400 })
  })

  test('without “Bearer ”, in exactly this case, nobody is let in', async () => {
    for (const authorization of ['', 'bearer abc', 'abc']) {
      const answer = await agentmail.call('GET', '/inboxes', { headers: { authorization } })
      expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ code: 'missing_authorization' })])
    }
  })

  test('where a key is set, the gateway turns away every other', async () => {
    const strict = scoped(await mount((ctx) => createAgentMail(ctx, { apiKey: 'the-one' })))
    const ask = (key: string) => fetch(`${strict.url}/inboxes`, { headers: { authorization: `Bearer ${key}` } })
    expect((await ask('the-one')).status).toBe(200)
    const refused = await ask('another')
    expect([refused.status, await refused.json()]).toEqual([403, { message: 'Forbidden' }])
  })
})

describe('a key of one inbox', () => {
  test('is told once and listed without its secret', async () => {
    const { inboxId } = await agentmail.newInbox()
    const { apiKey, ...key } = await agentmail.keyFor(inboxId)
    expect(apiKey.startsWith(key.prefix)).toBe(true)
    expect(key).toMatchObject({ name: 'agent', inboxId })
    const { apiKeys } = await agentmail.sdk().inboxes.apiKeys.list(inboxId)
    expect(apiKeys).toEqual([{ ...key, type: 'bearer', updatedAt: key.createdAt }])
    expect(JSON.stringify(apiKeys)).not.toContain(apiKey)
  })

  test('reaches its inbox; all others do not exist for it', async () => {
    const [own, other] = [await agentmail.newInbox(), await agentmail.newInbox()]
    const agent = agentmail.sdk((await agentmail.keyFor(own.inboxId)).apiKey)
    expect(await agent.inboxes.get(own.inboxId)).toEqual(own)
    expect((await agent.inboxes.list()).inboxes).toEqual([own])
    for (const request of [
      () => agent.inboxes.get(other.inboxId),
      () => agent.inboxes.delete(other.inboxId),
      () => agent.inboxes.messages.list(other.inboxId),
      () => agent.inboxes.messages.send(other.inboxId, { to: 'a@b.example', text: 'hi' }),
      () => agent.inboxes.apiKeys.list(other.inboxId),
    ]) {
      expect(await refusal(request())).toEqual(absent)
    }
    for (const request of [() => agent.inboxes.create({}), () => agent.organizations.get()]) {
      expect(await refusal(request())).toMatchObject({ status: 403, body: { code: 'missing_permission' } })
    }
  })

  test('with permissions does these things only, and cannot give away more', async () => {
    const { inboxId } = await agentmail.newInbox()
    const agent = agentmail.sdk((await agentmail.keyFor(inboxId, { messageRead: true, apiKeyCreate: true })).apiKey)
    expect((await agent.inboxes.messages.list(inboxId)).messages).toEqual([])
    for (const request of [
      () => agent.inboxes.delete(inboxId),
      () => agent.inboxes.get(inboxId),
      () => agent.inboxes.messages.send(inboxId, { to: 'a@b.example', text: 'hi' }),
    ]) {
      expect(await refusal(request())).toMatchObject({ status: 403, body: { code: 'missing_permission' } })
    }
    for (const body of [{}, { permissions: { inboxDelete: true } }]) {
      expect(await refusal(agent.inboxes.apiKeys.create(inboxId, body))).toMatchObject({
        status: 403,
        body: { code: 'permission_escalation' },
      })
    }
    expect(await agent.inboxes.apiKeys.create(inboxId, { permissions: { messageRead: true } })).toHaveProperty('apiKey')
  })

  test('is worth nothing once it is deleted', async () => {
    const { inboxId } = await agentmail.newInbox()
    const { apiKey, apiKeyId } = await agentmail.keyFor(inboxId)
    await agentmail.sdk().inboxes.apiKeys.delete(inboxId, apiKeyId)
    expect(await refusal(agentmail.sdk(apiKey).inboxes.get(inboxId))).toEqual({ status: 403, body: { message: 'Forbidden' } })
    expect(await refusal(agentmail.sdk().inboxes.apiKeys.delete(inboxId, apiKeyId))).toEqual(absent)
  })
})

describe('as a part of the test bed', () => {
  test.each([
    ['client id', { clientId: CLIENT_ID }],
    ['display name', { displayName: 'Agent (convos:dep1:dev:abcdefghijkl)' }],
    ['metadata', { metadata: { marker: 'convos:dep1:dev:abcdefghijkl' } }],
  ])('resources name the instance by the marker in the %s', async (_where, body) => {
    const { inboxId } = await agentmail.newInbox(body)
    const { apiKeyId } = await agentmail.keyFor(inboxId)
    const common = { name: expect.any(String), instanceId: 'abcdefghijkl', createdAt: expect.stringMatching(/Z$/) }
    expect(agentmail.simulator.resources()).toEqual({
      inboxes: [{ id: inboxId, ...common }],
      inboxKeys: [{ id: apiKeyId, inboxId, ...common, name: 'agent' }],
    })
  })

  test('a stale list does not show yet what is new', async () => {
    const old = await agentmail.newInbox()
    agentmail.clock.advance(30_000)
    const fresh = await agentmail.newInbox()
    agentmail.faults.add({ provider: 'agentmail', match: { path: '/inboxes' }, effect: { kind: 'stale-list', ms: 20_000 } })
    expect((await agentmail.sdk().inboxes.list()).inboxes).toEqual([old])
    expect(await agentmail.sdk().inboxes.get(fresh.inboxId)).toEqual(fresh)
    agentmail.clock.advance(20_000)
    expect((await agentmail.sdk().inboxes.list()).inboxes).toEqual([fresh, old])
  })

  test('state survives as JSON that holds no secret', async () => {
    await agentmail.control('PATCH', '/settings', { inboxLimit: 2 })
    const kept = await agentmail.newInbox({ clientId: CLIENT_ID })
    const gone = await agentmail.newInbox({ username: `gone-${randomUUID()}` })
    const [key, revoked] = [await agentmail.keyFor(kept.inboxId), await agentmail.keyFor(gone.inboxId)]
    await agentmail.sdk().inboxes.delete(gone.inboxId)
    await agentmail.control('POST', '/messages', { from: 'carol@example.org', to: kept.inboxId, text: 'Hi' })
    const before = agentmail.simulator.resources()
    const saved = JSON.stringify(agentmail.simulator.dump())
    expect(saved).not.toContain(key.apiKey)

    await agentmail.simulator.reset()
    expect(agentmail.simulator.resources()).toEqual({ inboxes: [], inboxKeys: [] })
    await agentmail.simulator.load(JSON.parse(saved))
    expect(agentmail.simulator.resources()).toEqual(before)
    expect((await agentmail.sdk(key.apiKey).inboxes.messages.list(kept.inboxId)).count).toBe(1)
    expect(await refusal(agentmail.sdk(revoked.apiKey).inboxes.list())).toMatchObject({ status: 403 })
    expect(await agentmail.sdk().organizations.get()).toMatchObject({ inboxCount: 1, inboxLimit: 2 })
  })
})

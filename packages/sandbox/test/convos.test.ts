import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createConvos } from '../src/simulators/convos/index.ts'
import { escapeHtml } from '../src/simulators/convos/page/index.ts'
import { eventually } from '../src/testing/index.ts'
import { convosApi } from './support/convos-api.ts'
import { type Mounted, mount } from './support/mount.ts'

let convos: Mounted
let api: ReturnType<typeof convosApi>
beforeEach(async () => {
  convos = await mount(createConvos)
  api = convosApi(convos.url)
})
afterEach(() => convos[Symbol.asyncDispose]())

/** The text of an event stream as it grows. */
async function openStream(id: string, query = '', headers: Record<string, string> = {}) {
  const response = await fetch(`${convos.url}/api/conversations/${id}/events${query}`, { headers })
  const stream = { status: response.status, text: '', ended: false }
  const reading = (async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) stream.text += chunk
  })()
  void reading.catch(() => {}).then(() => (stream.ended = true))
  return stream
}
const positions = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))

describe('an invite', () => {
  test('cannot be guessed, and tells neither the conversation’s id nor its members', async () => {
    const { id, invite } = await api.create({ name: 'Trip' })
    expect(invite.url).toBe(`${convos.url}/v2?i=${invite.slug}`)
    expect(invite.slug).toMatch(/^[\w-]{32}$/)
    const { body } = await api.call('GET', `/invites/${invite.slug}`)
    expect(body).toEqual({ ...invite, name: 'Trip', description: '' })
    expect(JSON.stringify(body)).not.toContain(id)
  })

  test('lets people and agents in at once; whoever is in already just stays', async () => {
    const { id, invite } = await api.create()
    const alice = await api.join(invite.slug)
    const momo = await api.join(invite.slug, { name: 'Momo', kind: 'agent', inboxId: 'a'.repeat(64) })
    expect(alice).toEqual({ status: 'joined', conversationId: id, inboxId: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(await api.join(invite.slug, { inboxId: momo.inboxId, name: 'Not Momo' })).toEqual(momo)
    expect((await api.read(id)).members).toMatchObject([
      { name: 'Host', kind: 'person' },
      { name: 'Alice', kind: 'person' },
      { name: 'Momo', kind: 'agent' },
    ])
  })

  test('lets nobody in while the conversation is locked', async () => {
    const { id, invite } = await api.create()
    await api.call('PATCH', `/conversations/${id}`, { locked: true })
    const refused = await api.call('POST', `/invites/${invite.slug}/join`, { name: 'Late', kind: 'person' })
    expect(refused).toMatchObject({ status: 403, body: { error: { code: 'LOCKED' } } })
  })

  test('is unknown unless it was made here', async () => {
    expect(await api.call('GET', '/invites/none')).toMatchObject({ status: 404, body: { error: { code: 'INVITE_NOT_FOUND' } } })
  })
})

describe('where a member decides', () => {
  const decide = (id: string, inboxId: string, admit: boolean) =>
    api.call('POST', `/conversations/${id}/requests/${inboxId}`, { admit })

  test('a join is a request, without the conversation’s id, until it is admitted', async () => {
    const { id, invite } = await api.create()
    await api.call('PATCH', `/conversations/${id}`, { approval: 'manual' })
    const asked = await api.join(invite.slug)
    expect(asked).toMatchObject({ status: 'request_sent', conversationId: null })
    expect((await api.read(id)).requests).toMatchObject([{ inboxId: asked.inboxId, name: 'Alice', kind: 'person' }])
    await decide(id, asked.inboxId, true)
    expect(await api.join(invite.slug, { inboxId: asked.inboxId })).toMatchObject({ status: 'joined', conversationId: id })
    expect((await api.read(id)).requests).toEqual([])
    expect((await decide(id, asked.inboxId, true)).status).toBe(200)
  })

  test('asking twice is one request', async () => {
    const { id, invite } = await api.create({ approval: 'manual' })
    const { inboxId } = await api.join(invite.slug)
    await api.join(invite.slug, { inboxId })
    expect((await api.read(id)).requests).toHaveLength(1)
  })

  test('a refusal stands, until it is taken back', async () => {
    const { id, invite } = await api.create({ approval: 'manual' })
    const { inboxId } = await api.join(invite.slug)
    await decide(id, inboxId, false)
    expect(await api.join(invite.slug, { inboxId })).toMatchObject({ status: 'refused', conversationId: null })
    await decide(id, inboxId, true)
    expect(await api.join(invite.slug, { inboxId })).toMatchObject({ status: 'joined' })
  })

  test('a join that waits hears of the decision when it falls', async () => {
    const { id, invite } = await api.create({ approval: 'manual' })
    const waiting = api.join(invite.slug, { waitMs: 20_000 })
    const request = await eventually('the request', async () => (await api.read(id)).requests[0])
    await decide(id, request.inboxId, true)
    expect(await waiting).toMatchObject({ status: 'joined', conversationId: id })
  })

  test('nobody can be admitted who has not asked', async () => {
    const { id } = await api.create({ approval: 'manual' })
    expect((await decide(id, 'b'.repeat(64), true)).status).toBe(404)
  })
})

describe('messages', () => {
  test('carry who sent them, what they answer, and the simulated time', async () => {
    const { id, creatorInboxId } = await api.create()
    convos.clock.advance(24 * 3_600_000)
    await api.send(id, creatorInboxId, 'one', { id: 'm1' })
    await api.send(id, creatorInboxId, 'two', { replyTo: 'm1' })
    const { body } = await api.call('GET', `/conversations/${id}/messages`)
    const [one, two] = (body as { messages: Record<string, string>[] }).messages
    expect(one).toMatchObject({ id: 'm1', senderInboxId: creatorInboxId, senderName: 'Host', senderKind: 'person', text: 'one' })
    expect(two).toMatchObject({ replyTo: 'm1' })
    expect(Date.parse(String(one?.['sentAt'])) - Date.now()).toBeGreaterThan(23 * 3_600_000)
  })

  test('sent again under the same id are stored once; another text under it is a conflict', async () => {
    const { id, creatorInboxId } = await api.create()
    const first = await api.send(id, creatorInboxId, 'one', { id: 'm1' })
    expect(await api.send(id, creatorInboxId, 'one', { id: 'm1' })).toEqual(first)
    expect((await api.send(id, creatorInboxId, 'other', { id: 'm1' })).status).toBe(409)
    expect(await api.texts(id)).toEqual(['one'])
  })

  test('come from members only', async () => {
    const { id, invite } = await api.create()
    const { inboxId } = await api.join(invite.slug)
    expect((await api.call('DELETE', `/conversations/${id}/members/${inboxId}`)).status).toBe(204)
    expect(await api.send(id, inboxId, 'still here?')).toMatchObject({ status: 403, body: { error: { code: 'NOT_A_MEMBER' } } })
  })
})

test('a conversation created again under its id by its creator is the same one', async () => {
  const body = { id: 'c'.repeat(32), name: 'Trip', creator: { inboxId: 'a'.repeat(64), name: 'Momo', kind: 'agent' } }
  expect(await api.create(body)).toEqual(await api.create(body))
  const stranger = { ...body, creator: { ...body.creator, inboxId: 'b'.repeat(64) } }
  expect((await api.call('POST', '/conversations', stranger)).status).toBe(409)
})

describe('the event stream', () => {
  test('tells everything in order, old and new, and where the old ends', async () => {
    const { id, invite, creatorInboxId } = await api.create()
    await api.send(id, creatorInboxId, 'old')
    const stream = await openStream(id)
    const alice = await api.join(invite.slug)
    await api.call('PATCH', `/conversations/${id}/members/${alice.inboxId}`, { name: 'Alice B.' })
    await api.call('PATCH', `/conversations/${id}`, { name: 'Trip' })
    await api.send(id, alice.inboxId, 'new')
    await eventually('the new message', () => stream.text.includes('"new"'))
    expect(stream.text).toMatch(/event: hello\ndata: \{"cursor":2\}\n\n/)
    expect([...stream.text.matchAll(/"type":"(\w+)"/g)].map((match) => match[1])).toEqual([
      'member_joined',
      'message',
      'member_joined',
      'profile_updated',
      'conversation_updated',
      'message',
    ])
    expect(positions(stream.text)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('goes on after the position that a reader names, by query or as a browser does', async () => {
    const { id, creatorInboxId } = await api.create()
    for (const text of ['a', 'b', 'c']) await api.send(id, creatorInboxId, text)
    const byQuery = await openStream(id, '?after=3')
    const byHeader = await openStream(id, '?after=0', { 'last-event-id': '3' })
    for (const stream of [byQuery, byHeader]) {
      await eventually('the fourth entry', () => positions(stream.text).length > 0)
      expect(positions(stream.text)).toEqual([4])
    }
  })

  test('ends with its conversation, and with the test bed', async () => {
    const first = await api.create()
    const ofReset = await openStream(first.id)
    await convos.simulator.reset()
    await eventually('the end', () => ofReset.ended)
    const second = await api.create()
    const ofClose = await openStream(second.id)
    await convos.simulator.close?.()
    await eventually('the end', () => ofClose.ended)
    expect((await openStream(first.id)).status).toBe(404)
  })
})

describe('the chat page', () => {
  const page = async (query: string) => {
    const response = await fetch(`${convos.url}/v2${query}`)
    return { status: response.status, headers: response.headers, html: await response.text() }
  }

  test('has what a person needs, under names that a screen reader tells', async () => {
    const { invite } = await api.create({ name: 'Trip' })
    const { status, html } = await page(`?i=${invite.slug}`)
    expect(status).toBe(200)
    expect(html).toContain('<title>Trip · Convos</title>')
    for (const part of [
      'for="your-name">Your name',
      '>Join</button>',
      'role="log"',
      'class="visually-hidden">Message',
      '>Send</button>',
    ]) {
      expect(html).toContain(part)
    }
  })

  test('loads nothing from elsewhere and runs nothing that is written into it', async () => {
    const { invite } = await api.create({ name: '<script>alert(1)</script>' })
    const { html, headers } = await page(`?i=${invite.slug}`)
    expect(html).not.toContain('<script>alert')
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).not.toMatch(/https?:\/\//)
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
    )
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    for (const [, asset] of html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)) {
      expect((await fetch(`${convos.url}/${asset}`)).status).toBe(200)
    }
  })

  test.each(['', '?i=', '?i=unknown', '?i[]=x'])('says so when there is no such invite: %j', async (query) => {
    const { status, html } = await page(query)
    expect(status).toBe(404)
    expect(html).toContain('Invite not found')
  })

  test('escapes for text and attributes', () => {
    expect(escapeHtml(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;')
  })
})

describe('as a part of the test bed', () => {
  test('resources list the conversations', async () => {
    const { id, createdAt, creatorInboxId } = await api.create({ name: 'Trip' })
    await api.send(id, creatorInboxId, 'hi')
    expect(convos.simulator.resources()).toEqual({
      conversations: [{ id, name: 'Trip', createdAt, instanceId: null, members: [creatorInboxId], messageCount: 1 }],
    })
  })

  test('everything survives as JSON', async () => {
    const { id, invite, creatorInboxId } = await api.create({ approval: 'manual' })
    await api.send(id, creatorInboxId, 'one', { id: 'm1' })
    const { inboxId } = await api.join(invite.slug)
    const before = await api.read(id)
    const saved = JSON.stringify(convos.simulator.dump())
    await convos.simulator.reset()
    expect((await api.call('GET', `/conversations/${id}`)).status).toBe(404)
    await convos.simulator.load(JSON.parse(saved))
    expect(await api.read(id)).toEqual(before)
    expect(await api.join(invite.slug, { inboxId })).toMatchObject({ status: 'request_sent' })
    expect((await api.send(id, creatorInboxId, 'one', { id: 'm1' })).status).toBe(201)
    expect(await api.texts(id)).toEqual(['one'])
  })

  test.each([
    ['POST', '/conversations', { name: 1 }, 400],
    ['POST', '/conversations', { creator: { name: '', kind: 'person' } }, 400],
    ['GET', '/conversations/none', undefined, 404],
    ['GET', '/nowhere', undefined, 404],
    ['POST', '/conversations', { description: 'x'.repeat(300_000) }, 413],
  ])('%s %s is answered with its fault', async (method, path, body, status) => {
    const answer = await api.call(method, path, body)
    expect(answer).toEqual({ status, body: { error: { code: expect.any(String), message: expect.any(String) } } })
  })

  test('malformed JSON is a fault of the request', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }
    expect((await fetch(`${convos.url}/api/conversations`, init)).status).toBe(400)
  })
})

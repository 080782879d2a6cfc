import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSimulators } from '@convos/sandbox'
import { eventually } from '@convos/sandbox/testing'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { joinPending, openBox, world } from './support/box.ts'

const CONVOS = fileURLToPath(new URL('../../../packages/sandbox/bin/convos', import.meta.url))

/** A world whose network is the sandbox's, reached through the sandbox's own `convos` command. */
async function sandboxWorld() {
  const simulators = await startSimulators()
  onTestFinished(() => simulators.close())
  const convosUrl = `${simulators.url}/convos`
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  const w = await world({ CONVOS_BIN: CONVOS, CONVOS_SANDBOX_URL: convosUrl, PATH })
  const api = async (method: string, path: string, body?: object): Promise<unknown> => {
    const res = await fetch(`${convosUrl}/api${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}`)
    return await res.json()
  }
  return { w, api, convosUrl }
}

const Admission = z.object({ inboxId: z.string() })
const Messages = z.object({ messages: z.array(z.object({ id: z.string(), text: z.string() })) })
const Created = z.object({
  id: z.string(),
  invite: z.object({ url: z.string(), slug: z.string() }),
  requests: z.array(z.object({ inboxId: z.string() })),
})

/** All that a stream has told so far. */
async function events(url: string): Promise<() => string> {
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  const response = await fetch(url, { signal: ending.signal })
  let text = ''
  const reading = (async () => {
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += part
  })()
  void reading.catch(() => {})
  return () => text
}
const slugOf = (inviteUrl: unknown) => new URL(String(inviteUrl)).searchParams.get('i') ?? ''

test('the sandbox’s network: created, found by a person, greeted, answered, and answered once after a restart', async () => {
  const { w, api } = await sandboxWorld()
  const box = await openBox(w)
  const { status, body } = await box.provision()
  expect(status).toBe(200)
  const id = String(body['conversationId'])
  const texts = async () => Messages.parse(await api('GET', `/conversations/${id}/messages`)).messages.map(({ text }) => text)

  const { inboxId } = Admission.parse(
    await api('POST', `/invites/${slugOf(body['inviteUrl'])}/join`, { name: 'Alice', kind: 'person' }),
  )
  await eventually('the greeting', async () => (await texts()).length === 1)
  await api('POST', `/conversations/${id}/messages`, { senderInboxId: inboxId, text: 'hello' })
  await eventually('the answer', async () => (await texts()).length === 3)

  await box.close()
  await api('POST', `/conversations/${id}/messages`, { senderInboxId: inboxId, text: 'still there?' })
  await openBox(w)
  await eventually('the answer to what was said meanwhile', async () => (await texts()).length === 5)
  expect(await texts()).toEqual([
    "Hi, I'm Ada. How can I help?",
    'hello',
    're: Alice: hello',
    'still there?',
    're: Alice: still there?',
  ])
})

test('the sandbox’s network: typing is seen, reactions and files go both ways, and an end for all is the end', async () => {
  const { w, api, convosUrl } = await sandboxWorld()
  const box = await openBox(w, { readReceiptMs: 50 })
  const { body } = await box.provision()
  const id = String(body['conversationId'])
  const path = `/conversations/${id}`
  const { inboxId } = Admission.parse(
    await api('POST', `/invites/${slugOf(body['inviteUrl'])}/join`, { name: 'Alice', kind: 'person' }),
  )
  const messages = async () => Messages.parse(await api('GET', `${path}/messages`)).messages
  const seen = await events(`${convosUrl}/api${path}/events`)
  await eventually('the greeting', async () => (await messages()).length === 1)

  const attachment = { url: 'https://files.example/1', filename: 'shelf.jpg', size: 3 }
  await api('POST', `${path}/messages`, { senderInboxId: inboxId, attachment })
  await eventually('the answer', async () => (await messages()).length === 3)
  expect((await messages()).at(-1)?.text).toBe('re: Alice: (sent a file: shelf.jpg, https://files.example/1)')
  await eventually('it typed, and stopped, and has read', () =>
    ['"isTyping":true', '"isTyping":false', '"type":"read"'].every((part) => seen().includes(part)),
  )

  const act = (action: object) => box.call('POST', '/link/actions', { token: 'link', body: action })
  const [greeting] = await messages()
  expect(await act({ action: 'react', messageId: greeting?.id, emoji: '👍' })).toMatchObject({ status: 200 })
  expect(await act({ action: 'react', messageId: 'nobody’s', emoji: '👍' })).toMatchObject({
    status: 422,
    body: { code: 'ACTION_REFUSED', detail: expect.stringContaining('no such message') },
  })
  expect((await act({ action: 'attach', path: import.meta.filename })).status).toBe(200)
  expect((await messages()).at(-1)?.text).toBe('sandbox.test.ts')
  expect((await act({ action: 'rename', name: 'Books' })).status).toBe(200)
  const owner = (route: string, more: object) => box.call('POST', `/convos/${route}`, { token: 'gateway', body: more })
  expect((await owner('lock', { locked: true })).status).toBe(200)
  expect(await api('GET', path)).toMatchObject({ name: 'Books', locked: true })

  await api('POST', `${path}/explode`, { inboxId })
  await eventually('the end is known', async () => (await box.health()).conversationId === null)
  expect(await box.health()).toMatchObject({ ready: true, binding: 'refused' })
})

test('the sandbox’s network: who holds the gateway token ends the conversation', async () => {
  const { w, api } = await sandboxWorld()
  const box = await openBox(w)
  const { body } = await box.provision()
  expect((await box.call('POST', '/convos/explode', { token: 'gateway', body: {} })).status).toBe(200)
  expect(await box.health()).toMatchObject({ binding: 'refused', conversationId: null })
  expect(await api('GET', `/conversations/${String(body['conversationId'])}`)).toMatchObject({ expiresAt: expect.any(String) })
})

test('the sandbox’s network: asked to join, let in later', async () => {
  const { w, api } = await sandboxWorld()
  const { id, invite } = Created.parse(await api('POST', '/conversations', { name: 'Friends', approval: 'manual' }))
  const box = await openBox(w, { joinDeadlineMs: 1_000, joinLookMinMs: 50 })
  await joinPending(box, invite.url)
  const { requests } = Created.parse(await api('GET', `/conversations/${id}`))
  await api('POST', `/conversations/${id}/requests/${requests[0]?.inboxId ?? ''}`, { admit: true })
  await eventually('it is in', async () => (await box.health()).conversationId === id)
})

test('the sandbox’s network: asked to join, cancelled', async () => {
  const { w, api } = await sandboxWorld()
  const { invite } = Created.parse(await api('POST', '/conversations', { name: 'Friends', approval: 'manual' }))
  const box = await openBox(w, { joinDeadlineMs: 500, joinLookMinMs: 50 })
  await joinPending(box, invite.url)
  expect(await box.call('POST', '/pool/cancel', { body: { claimId: 'claim-1' } })).toEqual({
    status: 200,
    body: { joined: false },
  })
  expect(await box.health()).toMatchObject({ binding: 'refused', clean: false })
})

test('the sandbox’s network: asked to join, and turned away', async () => {
  const { w, api } = await sandboxWorld()
  const { id, invite } = Created.parse(await api('POST', '/conversations', { name: 'Friends', approval: 'manual' }))
  const box = await openBox(w, { joinDeadlineMs: 500, joinLookMinMs: 50, joinAskAgainMs: 100 })
  await joinPending(box, invite.url)
  const { requests } = Created.parse(await api('GET', `/conversations/${id}`))
  await api('POST', `/conversations/${id}/requests/${requests[0]?.inboxId ?? ''}`, { admit: false })
  await eventually('the refusal is seen', async () => (await box.health()).binding === 'refused')
})

test('the sandbox’s network: an invite that nobody made is refused at once, not tried until the deadline', async () => {
  const { w, convosUrl } = await sandboxWorld()
  const box = await openBox(w)
  const joinUrl = `${convosUrl}/v2?i=nobody-made-this`
  expect(await box.provision({ joinUrl })).toMatchObject({ status: 409, body: { code: 'REFUSED' } })
})

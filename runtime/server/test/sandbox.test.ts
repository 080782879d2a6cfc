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

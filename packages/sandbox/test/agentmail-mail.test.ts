import { afterEach, beforeEach, expect, test } from 'vitest'
import { absent, type AgentMailApi, refusal, startAgentMail } from './support/agentmail-api.ts'

let agentmail: AgentMailApi
beforeEach(async () => {
  agentmail = await startAgentMail()
})
afterEach(() => agentmail[Symbol.asyncDispose]())

test('mail reaches another inbox here, where it can be read and answered', async () => {
  const alice = await agentmail.newInbox({ username: 'alice', displayName: 'Alice' })
  const bob = await agentmail.newInbox({ username: 'bob' })
  const sent = await agentmail.sdk().inboxes.messages.send(alice.inboxId, {
    to: [bob.email],
    bcc: 'secret@elsewhere.example',
    subject: 'Tea',
    text: 'At five?',
    attachments: [{ filename: 'map.txt', content: Buffer.from('here').toString('base64') }],
  })

  const [item] = (await agentmail.sdk().inboxes.messages.list(bob.inboxId, { labels: ['unread'] })).messages
  expect(item).toMatchObject({
    messageId: sent.messageId,
    from: 'Alice <alice@agentmail.to>',
    to: ['bob@agentmail.to'],
    subject: 'Tea',
    preview: 'At five?',
    labels: ['received', 'unread'],
    attachments: [{ filename: 'map.txt', size: 4 }],
  })
  expect(item).not.toHaveProperty('bcc')
  expect(item).not.toHaveProperty('text')
  expect(await agentmail.sdk().inboxes.messages.get(bob.inboxId, sent.messageId)).toMatchObject({ text: 'At five?' })

  const answer = await agentmail.sdk().inboxes.messages.reply(bob.inboxId, sent.messageId, { text: 'Yes.' })
  expect(answer.threadId).toBe(item?.threadId)
  const thread = await agentmail.sdk().inboxes.messages.get(alice.inboxId, answer.messageId)
  expect(thread).toMatchObject({
    subject: 'Re: Tea',
    from: 'bob@agentmail.to',
    to: ['Alice <alice@agentmail.to>'],
    threadId: sent.threadId,
    inReplyTo: sent.messageId,
    references: [sent.messageId],
  })
})

test('mail from strangers arrives when a test sends it', async () => {
  const { inboxId } = await agentmail.newInbox()
  const mail = { from: 'Carol <carol@example.org>', to: inboxId, subject: 'Hello', text: 'Are you there?' }
  expect((await agentmail.control('POST', '/messages', mail)).status).toBe(201)
  const [item] = (await agentmail.sdk().inboxes.messages.list(inboxId)).messages
  expect(item).toMatchObject({ from: 'Carol <carol@example.org>', subject: 'Hello', labels: ['received', 'unread'] })
  expect((await agentmail.control('POST', '/messages', { ...mail, to: 'nobody@agentmail.to' })).status).toBe(404)
})

test('an answer to all leaves out the one who answers', async () => {
  const { inboxId } = await agentmail.newInbox({ username: 'bob' })
  await agentmail.control('POST', '/messages', { from: 'carol@example.org', to: inboxId, subject: 'Re: Plan', text: 'All?' })
  const [received] = (await agentmail.sdk().inboxes.messages.list(inboxId)).messages
  const { messageId } = await agentmail.sdk().inboxes.messages.replyAll(inboxId, received?.messageId ?? '', { text: 'All.' })
  expect(await agentmail.sdk().inboxes.messages.get(inboxId, messageId)).toMatchObject({
    to: ['carol@example.org'],
    subject: 'Re: Plan',
    labels: ['sent'],
  })
})

test('mail is marked as read by its labels', async () => {
  const { inboxId } = await agentmail.newInbox()
  await agentmail.control('POST', '/messages', { from: 'carol@example.org', to: inboxId, text: 'Hi' })
  const id = (await agentmail.sdk().inboxes.messages.list(inboxId)).messages[0]?.messageId ?? ''
  const { labels } = await agentmail.sdk().inboxes.messages.update(inboxId, id, { addLabels: ['seen'], removeLabels: 'unread' })
  expect(labels).toEqual(['received', 'seen'])
  expect((await agentmail.sdk().inboxes.messages.list(inboxId, { labels: ['unread'] })).messages).toEqual([])
})

test('mail with an idempotency key is sent once, and the key stands for this mail only', async () => {
  const { inboxId } = await agentmail.newInbox()
  const send = (text: string) =>
    agentmail.sdk().inboxes.messages.send(inboxId, { to: 'carol@example.org', text }, { idempotencyKey: 'k1' })
  const first = await send('once')
  expect(await send('once')).toEqual(first)
  expect(await refusal(send('something else'))).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect((await agentmail.sdk().inboxes.messages.list(inboxId)).count).toBe(1)
  agentmail.clock.advance(24 * 3_600_000)
  expect((await send('once')).messageId).not.toBe(first.messageId)
})

test('mail needs a recipient, and an inbox that has settled', async () => {
  await agentmail.control('PATCH', '/settings', { sendableAfterMs: 60_000 })
  const { inboxId } = await agentmail.newInbox()
  const send = (to: string[]) => agentmail.sdk().inboxes.messages.send(inboxId, { to, text: 'hi' })
  expect(await refusal(send(['carol@example.org']))).toEqual(absent)
  expect(await agentmail.sdk().inboxes.get(inboxId)).toHaveProperty('inboxId')
  agentmail.clock.advance(60_000)
  expect(await send(['carol@example.org'])).toHaveProperty('threadId')
  expect(await refusal(send([]))).toMatchObject({ status: 400, body: { code: 'validation_error' } })
})

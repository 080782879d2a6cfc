import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createConvos } from '../src/simulators/convos/index.ts'
import { Attachment } from '../src/simulators/convos/model.ts'
import { eventually, scoped } from '../src/testing/index.ts'
import { convosApi } from './support/convos-api.ts'
import { newAgent } from './support/convos-cli.ts'
import { type Mounted, mount } from './support/mount.ts'

let convos: Mounted
let api: ReturnType<typeof convosApi>
beforeEach(async () => {
  convos = await mount(createConvos)
  api = convosApi(convos.url)
})
afterEach(() => convos[Symbol.asyncDispose]())

/** A conversation with two persons in it. */
async function twoPersons() {
  const { id, invite } = await api.create()
  const [alice, bob] = [await api.join(invite.slug), await api.join(invite.slug, { name: 'Bob' })]
  const post = (path: string, body: object) => api.call('POST', `/conversations/${id}${path}`, body)
  return { id, slug: invite.slug, alice: alice.inboxId, bob: bob.inboxId, post }
}

describe('what passes', () => {
  test('is seen by who looks, and by nobody afterwards', async () => {
    const { id, alice, post } = await twoPersons()
    const looking = await fetch(`${convos.url}/api/conversations/${id}/events?after=0`)
    let seen = ''
    const reading = (async () => {
      for await (const part of looking.body?.pipeThrough(new TextDecoderStream()) ?? []) seen += part
    })()
    void reading.catch(() => {})
    const typing = { type: 'typing', inboxId: alice, isTyping: true }
    await eventually('it is connected', () => seen.includes('event: hello'))
    expect((await post('/signals', typing)).status).toBe(204)
    await eventually('it is seen', () => seen.includes(`event: signal\ndata: ${JSON.stringify(typing)}`))
    const before = JSON.stringify(convos.simulator.dump())
    expect((await post('/signals', { type: 'read', inboxId: alice })).status).toBe(204)
    expect(JSON.stringify(convos.simulator.dump())).toBe(before)
  })

  test('comes from members only', async () => {
    const { post } = await twoPersons()
    expect((await post('/signals', { type: 'read', inboxId: 'f'.repeat(64) })).status).toBe(403)
  })
})

describe('files', () => {
  const upload = (id: string, filename: string, content: string) =>
    fetch(`${convos.url}/api/conversations/${id}/files?filename=${encodeURIComponent(filename)}`, {
      method: 'POST',
      headers: { 'content-type': 'text/html' },
      body: content,
    })

  test('are uploaded, sent as a message, and given back to be kept, never shown', async () => {
    const { id, alice, post } = await twoPersons()
    const attachment = Attachment.parse(await (await upload(id, 'shelf “1”.html', '<b>books</b>')).json())
    expect(attachment).toMatchObject({ filename: 'shelf “1”.html', size: 12 })
    expect((await post('/messages', { senderInboxId: alice, attachment })).body).toMatchObject({
      text: 'shelf “1”.html',
      attachment,
    })
    const file = await fetch(attachment.url)
    expect(await file.text()).toBe('<b>books</b>')
    expect(file.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(file.headers.get('content-security-policy')).toBe("default-src 'none'")
    expect(file.headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('a message is a text or a file, not both and not neither', async () => {
    const { id, alice, post } = await twoPersons()
    const attachment = Attachment.parse(await (await upload(id, 'a', 'x')).json())
    expect((await post('/messages', { senderInboxId: alice, attachment, text: 'x' })).status).toBe(400)
    expect((await post('/messages', { senderInboxId: alice })).status).toBe(400)
    const nowhere = { ...attachment, url: 'javascript:alert(1)' }
    expect((await post('/messages', { senderInboxId: alice, attachment: nowhere })).status).toBe(400)
  })
})

describe('the end of a conversation', () => {
  test('puts everybody else out, and nothing happens in it any more', async () => {
    const { id, slug, alice, bob, post } = await twoPersons()
    expect((await post('/explode', { inboxId: alice })).status).toBe(200)
    expect((await api.read(id)).members.map(({ inboxId }) => inboxId)).toEqual([alice])
    for (const [path, body] of [
      ['/messages', { senderInboxId: alice, text: 'anybody?' }],
      ['/signals', { type: 'read', inboxId: alice }],
      ['/explode', { inboxId: alice }],
    ] as const)
      expect(await post(path, body), path).toMatchObject({ status: 410, body: { error: { code: 'ENDED' } } })
    expect((await api.call('POST', `/invites/${slug}/join`, { inboxId: bob, name: 'Bob', kind: 'person' })).status).toBe(410)
  })

  test('may be announced, and comes with the simulated time', async () => {
    const { id, alice, post } = await twoPersons()
    const expiresAt = new Date(convos.clock.now().getTime() + 60_000).toISOString()
    await post('/explode', { inboxId: alice, expiresAt })
    expect((await api.send(id, alice, 'still here')).status).toBe(201)
    convos.clock.advance(61_000)
    expect((await api.send(id, alice, 'anybody?')).status).toBe(410)
  })

  test('is for members to decide', async () => {
    const { post } = await twoPersons()
    expect((await post('/explode', { inboxId: 'f'.repeat(64) })).status).toBe(403)
  })
})

test('what one agent does, another hears, in the words of the command', async () => {
  const folder = join(tmpdir(), `chart-${process.pid}.txt`)
  await writeFile(folder, 'a chart')
  onTestFinished(() => rm(folder))
  const [first, second] = [scoped(newAgent(convos.url)), scoped(newAgent(convos.url))]
  const host = scoped(first.serve('--profile-name', 'Momo'))
  const { conversationId, inviteUrl, inboxId } = await host.heard('ready')
  await second.run('conversations', 'join', String(inviteUrl), '--profile-name', 'Kiki', '--json')
  const guest = scoped(second.serve(String(conversationId)))
  await guest.heard('ready')
  const sender = { senderInboxId: inboxId }

  host.write({ type: 'send', id: 'm1', text: 'which shelf?' })
  host.write({ type: 'send', id: 'm2', text: 'this one', replyTo: 'm1' })
  expect(await guest.heard('message', { id: 'm2' })).toMatchObject({
    ...sender,
    contentType: { typeId: 'reply' },
    content: 'reply to m1: this one',
  })
  host.write({ type: 'react', messageId: 'm1', emoji: '👍' })
  await host.heard('sent', { type: 'react' })
  await guest.heard('message', { content: 'reacted 👍 to m1' })
  host.write({ type: 'attach', file: folder, mimeType: 'text/plain' })
  await host.heard('sent', { type: 'attach' })
  const file = await guest.heard('message', { content: `chart-${process.pid}.txt` })
  const { url } = file['remoteAttachment'] as { url: string }
  expect(await (await fetch(url)).text()).toBe(await readFile(folder, 'utf8'))
  const remote = { url: 'https://files.example/x', contentDigest: 'd', secret: 's', salt: 's', nonce: 'n', contentLength: 7 }
  host.write({ type: 'remote-attach', ...remote, filename: 'far.txt' })
  expect(await guest.heard('message', { content: 'far.txt' })).toMatchObject({ remoteAttachment: { url: remote.url } })
  host.write({ type: 'typing' })
  expect(await guest.heard('typing')).toMatchObject({ ...sender, isTyping: true, conversationId })
  host.write({ type: 'typing', isTyping: false })
  await guest.heard('typing', { isTyping: false })
  host.write({ type: 'read-receipt' })
  expect(await guest.heard('read_receipt')).toMatchObject(sender)
  host.write({ type: 'thinking', state: 'start', targetMessageId: 'm1', content: 'Looking at shelves' })
  expect(await guest.heard('thinking')).toMatchObject({ ...sender, state: 'start', targetMessageId: 'm1' })
  host.write({ type: 'update-profile', name: 'Captain', metadata: { mood: 'calm' } })
  expect(await guest.heard('profile_update')).toMatchObject({
    ...sender,
    name: 'Captain',
    memberKind: 1,
    metadata: { mood: 'calm' },
  })

  host.write({ type: 'attach', file: '/nonexistent' })
  expect(await host.heard('error')).toMatchObject({ command: { type: 'attach' }, message: expect.stringContaining('ENOENT') })

  host.write({ type: 'explode' })
  expect(await host.heard('sent', { type: 'explode' })).toMatchObject({ expiresAt: expect.any(String) })
  expect(await host.exited).toBe(0)
  expect(await guest.heard('explode_notice')).toMatchObject({ ...sender, expiresAt: expect.any(String) })
  expect(await guest.exited).toBe(2)
  // nobody hears itself
  expect(
    host.events.map(({ event }) => event).filter((event) => !['ready', 'member_joined', 'sent', 'error'].includes(event)),
  ).toEqual([])
})

test('the messages of a conversation, the newest first', async () => {
  const { id, alice } = await twoPersons()
  await api.send(id, alice, 'one', { id: 'm1' })
  await api.send(id, alice, 'two', { id: 'm2', replyTo: 'm1' })
  const { stdout } = await scoped(newAgent(convos.url)).run('conversation', 'messages', id)
  expect(JSON.parse(stdout)).toMatchObject([
    { id: 'm2', senderInboxId: alice, contentType: { typeId: 'reply' }, content: 'reply to m1: two' },
    { id: 'm1', contentType: { typeId: 'text' }, content: 'one' },
  ])
  const last = await scoped(newAgent(convos.url)).run('conversation', 'messages', '--limit=1', '--', id)
  expect(JSON.parse(last.stdout)).toMatchObject([{ id: 'm2' }])
})

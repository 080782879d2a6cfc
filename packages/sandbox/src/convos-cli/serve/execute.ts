import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import type { Attachment, Signal } from '../../simulators/convos/model.ts'
import type { Client } from '../client.ts'
import type { Link } from './link.ts'
import type { Emit } from './output.ts'
import { Command, errorEvent, type ServeEvent, timestamp } from './protocol.ts'

export interface Seat {
  conversationId: string
  inboxId: string
  client: Client
}

/** Carries out one line of stdin; a line that makes no sense, or is refused, is answered with an `error` event. */
export async function executeLine(line: string, p: { seat: Seat; link: Link; emit: Emit; stop: () => void }): Promise<void> {
  let about: object = {}
  try {
    const command = Command.parse(JSON.parse(line))
    about = { command }
    if (command.type === 'stop') return p.stop()
    const sent = await execute(command, p.seat, p.link)
    if (sent) await p.emit(sent)
    // whoever is the last in a conversation that is no more has nothing left to do
    if (command.type === 'explode' && command.scheduled === undefined) p.stop()
  } catch (error) {
    await p.emit(errorEvent(describe(error), about))
  }
}

type Doing = Exclude<Command, { type: 'stop' }>

async function execute(command: Doing, seat: Seat, link: Link): Promise<ServeEvent | null> {
  const { client, conversationId, inboxId } = seat
  switch (command.type) {
    case 'send': {
      const { text, replyTo, id = randomUUID() } = command
      const message = await link.persist(() => client.send(conversationId, { id, senderInboxId: inboxId, text, replyTo }))
      return { event: 'sent', id, text, ...(replyTo && { replyTo }), timestamp: message.sentAt }
    }
    case 'react': {
      const action = command.action === 'add' ? 'added' : 'removed'
      await link.persist(() => client.react(conversationId, command.messageId, { inboxId, emoji: command.emoji, action }))
      return done(command)
    }
    case 'attach': {
      const { file, mimeType = 'application/octet-stream', replyTo } = command
      const upload = { filename: basename(file), mimeType, content: new Uint8Array(await readFile(file)) }
      const attachment = await link.persist(() => client.upload(conversationId, upload))
      return await sendFile(command, attachment, { seat, link, replyTo })
    }
    case 'remote-attach': {
      const { url, filename = 'file', contentLength } = command
      const attachment = { url, filename, mimeType: 'application/octet-stream', size: contentLength }
      return await sendFile(command, attachment, { seat, link })
    }
    case 'rename':
      await link.persist(() => client.update(conversationId, { name: command.name }))
      return done(command)
    case 'update-profile': {
      const { name, image, metadata } = command
      await link.persist(() => client.updateProfile(conversationId, inboxId, { name, image, metadata }))
      return done(command)
    }
    case 'lock':
    case 'unlock':
      await link.persist(() => client.update(conversationId, { locked: command.type === 'lock' }))
      return done(command)
    case 'explode': {
      const { expiresAt } = await link.persist(() => client.explode(conversationId, inboxId, command.scheduled))
      return { ...done(command), expiresAt }
    }
    default:
      // what passes is worth no second try: by then it has passed
      await client.signal(conversationId, signalOf(command, inboxId))
      return null
  }
}

async function sendFile(
  command: Doing,
  attachment: Attachment,
  { seat, link, replyTo }: { seat: Seat; link: Link; replyTo?: string | undefined },
): Promise<ServeEvent> {
  const id = randomUUID()
  const { client, conversationId, inboxId } = seat
  await link.persist(() => client.send(conversationId, { id, senderInboxId: inboxId, attachment, replyTo }))
  return { ...done(command), id, ...(replyTo && { replyTo }) }
}

function signalOf(command: Extract<Command, { type: 'typing' | 'read-receipt' | 'thinking' }>, inboxId: string): Signal {
  if (command.type === 'typing') return { type: 'typing', inboxId, isTyping: command.isTyping }
  if (command.type === 'read-receipt') return { type: 'read', inboxId }
  return { ...command, inboxId }
}

const done = ({ type }: Command): ServeEvent => ({ event: 'sent', id: randomUUID(), type, timestamp: timestamp() })

function describe(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error)
  return error instanceof Error ? error.message : String(error)
}

import { randomUUID } from 'node:crypto'
import { z } from 'zod'
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
    about = { type: command.type, ...('id' in command && { id: command.id }) }
    if (command.type === 'stop') return p.stop()
    const sent = await execute(command, p.seat, p.link)
    if (sent) await p.emit(sent)
  } catch (error) {
    await p.emit(errorEvent(describe(error), about))
  }
}

async function execute(command: Exclude<Command, { type: 'stop' }>, seat: Seat, link: Link): Promise<ServeEvent | null> {
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
    case 'rename':
      await link.persist(() => client.update(conversationId, { name: command.name }))
      return done(command)
    case 'update-profile': {
      const { name } = command
      if (name) await link.persist(() => client.updateProfile(conversationId, inboxId, { name }))
      return done(command)
    }
    case 'lock':
    case 'unlock':
      await link.persist(() => client.update(conversationId, { locked: command.type === 'lock' }))
      return done(command)
    default: // typing, read-receipt: nobody on this network would see them
      return null
  }
}

const done = ({ type }: Command): ServeEvent => ({ event: 'sent', id: randomUUID(), type, timestamp: timestamp() })

function describe(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error)
  return error instanceof Error ? error.message : String(error)
}

import { randomBytes, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { z } from 'zod'
import { ConvosError } from './errors.ts'
import {
  type Attachment,
  Conversation,
  type JoinRequest,
  type LogEntry,
  type Member,
  type Message,
  messagesOf,
  type Signal,
} from './model.ts'

const State = z.object({ conversations: z.array(Conversation) })

/** Who acts: an inbox that is already known, or a new one when it has no id yet. */
export interface Visitor {
  inboxId?: string | undefined
  name: string
  kind: Member['kind']
}

export type Admission =
  | { status: 'joined'; inboxId: string; conversation: Conversation; member: Member }
  | { status: 'request_sent' | 'refused'; inboxId: string; conversation: Conversation }

interface Sending {
  senderInboxId: string
  id?: string | undefined
  text: string
  replyTo?: string | undefined
  attachment?: Attachment | undefined
}

/** A log entry without its position, which only the log gives. */
type Happening = LogEntry extends infer Entry ? (Entry extends unknown ? Omit<Entry, 'seq'> : never) : never

export type Network = ReturnType<typeof createNetwork>

/**
 * The Convos network in memory. It trusts whoever calls, as a test bed may: an inbox id is all that it takes to act as that
 * inbox. Ids that callers choose (of conversations and messages) make a repeated call harmless.
 */
export function createNetwork(now: () => Date) {
  const conversations = new Map<string, Conversation>()
  /** Emits a conversation's id whenever anything about it has changed; listeners look for themselves. */
  const changes = new EventEmitter().setMaxListeners(0)
  /** Emits what passes under a conversation's id, to those who listen. */
  const signals = new EventEmitter().setMaxListeners(0)
  const timestamp = () => now().toISOString()

  function record(conversation: Conversation, happening: Happening) {
    conversation.log.push({ seq: conversation.log.length + 1, ...happening })
    changes.emit(conversation.id)
  }

  function admit(conversation: Conversation, who: Pick<Member, 'inboxId' | 'name' | 'kind'>): Member {
    const { inboxId, name, kind } = who
    const member: Member = { inboxId, name, kind, joinedAt: timestamp(), joinedSeq: conversation.log.length + 1 }
    conversation.requests = conversation.requests.filter((request) => request.inboxId !== inboxId)
    conversation.members.push(member)
    record(conversation, { type: 'member_joined', member })
    return member
  }

  function get(id: string): Conversation {
    const conversation = conversations.get(id)
    if (!conversation) throw new ConvosError('CONVERSATION_NOT_FOUND', 'no such conversation')
    return conversation
  }

  /** The conversation, as long as it goes on. */
  function ongoing(id: string): Conversation {
    const conversation = get(id)
    if (hasEnded(conversation)) throw new ConvosError('ENDED', 'this conversation has ended')
    return conversation
  }

  const hasEnded = ({ expiresAt }: Conversation) => expiresAt !== null && Date.parse(expiresAt) <= now().getTime()

  function memberOf(conversation: Conversation, inboxId: string): Member {
    const member = conversation.members.find((each) => each.inboxId === inboxId)
    if (!member) throw new ConvosError('NOT_A_MEMBER', 'not a member of this conversation')
    return member
  }

  const clear = () => {
    const ids = [...conversations.keys()]
    conversations.clear()
    for (const id of ids) changes.emit(id)
  }

  return {
    changes,
    signals,
    get,
    find: (id: string) => conversations.get(id),
    all: () => [...conversations.values()],

    /** The conversations that an inbox is in, the newest first. */
    ofMember: (inboxId: string): Conversation[] =>
      [...conversations.values()].filter(({ members }) => members.some((each) => each.inboxId === inboxId)).toReversed(),

    byInvite(slug: string): Conversation {
      for (const conversation of conversations.values()) if (conversation.invite.slug === slug) return conversation
      throw new ConvosError('INVITE_NOT_FOUND', 'no such invite')
    },

    /** Repeated with the same id by the same creator it is the same conversation. */
    create(
      p: { id?: string | undefined; creator: Visitor } & Pick<Conversation, 'name' | 'description' | 'approval'>,
    ): Conversation {
      const existing = p.id && conversations.get(p.id)
      if (existing) {
        if (existing.creatorInboxId === p.creator.inboxId) return existing
        throw new ConvosError('ID_TAKEN', 'another conversation has this id')
      }
      const creator = { ...p.creator, inboxId: p.creator.inboxId ?? newInboxId() }
      const conversation: Conversation = {
        id: p.id ?? randomBytes(16).toString('hex'),
        name: p.name,
        description: p.description,
        createdAt: timestamp(),
        creatorInboxId: creator.inboxId,
        invite: { slug: randomBytes(24).toString('base64url'), tag: randomBytes(5).toString('hex') },
        approval: p.approval,
        locked: false,
        members: [],
        requests: [],
        log: [],
        expiresAt: null,
        files: {},
      }
      conversations.set(conversation.id, conversation)
      admit(conversation, creator)
      return conversation
    },

    update(id: string, p: { [K in 'name' | 'description' | 'approval' | 'locked']?: Conversation[K] | undefined }) {
      const conversation = ongoing(id)
      const renamed = p.name !== undefined && p.name !== conversation.name
      conversation.name = p.name ?? conversation.name
      conversation.description = p.description ?? conversation.description
      conversation.approval = p.approval ?? conversation.approval
      conversation.locked = p.locked ?? conversation.locked
      if (renamed) record(conversation, { type: 'conversation_updated', name: conversation.name })
      return conversation
    },

    /** Admits at once, or leaves a request; whoever is in, or has asked, just hears how things stand. */
    join(slug: string, who: Visitor): Admission {
      const conversation = ongoing(this.byInvite(slug).id)
      const inboxId = who.inboxId ?? newInboxId()
      const member = conversation.members.find((each) => each.inboxId === inboxId)
      if (member) return { status: 'joined', inboxId, conversation, member }
      if (conversation.locked) throw new ConvosError('LOCKED', 'this conversation is locked')
      if (conversation.approval === 'auto')
        return { status: 'joined', inboxId, conversation, member: admit(conversation, { ...who, inboxId }) }

      let request = conversation.requests.find((each) => each.inboxId === inboxId)
      if (!request) {
        request = { inboxId, name: who.name, kind: who.kind, requestedAt: timestamp(), refused: false } satisfies JoinRequest
        conversation.requests.push(request)
        changes.emit(conversation.id)
      }
      return { status: request.refused ? 'refused' : 'request_sent', inboxId, conversation }
    },

    /** A member's word on a request; a refusal can be taken back, an admission cannot. */
    decide(id: string, inboxId: string, admitted: boolean): Conversation {
      const conversation = get(id)
      if (conversation.members.some((each) => each.inboxId === inboxId)) return conversation
      const request = conversation.requests.find((each) => each.inboxId === inboxId)
      if (!request) throw new ConvosError('REQUEST_NOT_FOUND', 'this inbox has not asked to join')
      if (admitted) admit(conversation, request)
      else {
        request.refused = true
        changes.emit(conversation.id)
      }
      return conversation
    },

    /** Repeated with the same id it is the same message. */
    send(id: string, p: Sending): Message {
      const conversation = ongoing(id)
      const sender = memberOf(conversation, p.senderInboxId)
      const stored = messagesOf(conversation).find((each) => each.id === p.id)
      if (stored) {
        if (stored.senderInboxId === p.senderInboxId && stored.text === p.text) return stored
        throw new ConvosError('ID_TAKEN', 'another message has this id')
      }
      const message: Message = {
        id: p.id ?? randomUUID(),
        senderInboxId: sender.inboxId,
        senderName: sender.name,
        senderKind: sender.kind,
        text: p.text,
        ...(p.replyTo !== undefined && { replyTo: p.replyTo }),
        ...(p.attachment && { attachment: p.attachment }),
        sentAt: timestamp(),
      }
      record(conversation, { type: 'message', message })
      return message
    },

    react(id: string, p: { inboxId: string; messageId: string; emoji: string; action: 'added' | 'removed' }) {
      const conversation = ongoing(id)
      memberOf(conversation, p.inboxId)
      const known = messagesOf(conversation).some((each) => each.id === p.messageId)
      if (!known) throw new ConvosError('MESSAGE_NOT_FOUND', 'no such message')
      record(conversation, { type: 'reaction', ...p })
    },

    updateProfile(id: string, inboxId: string, p: { [K in 'name' | 'image' | 'metadata']?: Member[K] | undefined }): Member {
      const conversation = ongoing(id)
      const member = memberOf(conversation, inboxId)
      const before = JSON.stringify(member)
      member.name = p.name ?? member.name
      if (p.image !== undefined) member.image = p.image
      if (p.metadata !== undefined) member.metadata = { ...member.metadata, ...p.metadata }
      const { name, kind, image, metadata } = member
      if (JSON.stringify(member) !== before)
        record(conversation, {
          type: 'profile_updated',
          inboxId,
          name,
          kind,
          ...(image !== undefined && { image }),
          ...(metadata && { metadata }),
        })
      return member
    },

    /** Keeps a file to be sent; its id. */
    upload(id: string, file: Conversation['files'][string]): string {
      const fileId = randomUUID()
      ongoing(id).files[fileId] = file
      return fileId
    },

    signal(id: string, signal: Signal) {
      memberOf(ongoing(id), signal.inboxId)
      signals.emit(id, signal)
    },

    /** Ends the conversation for everybody, now or at a time to come; now, all but who did it are out of it. */
    explode(id: string, p: { inboxId: string; expiresAt?: string | undefined }) {
      const conversation = ongoing(id)
      memberOf(conversation, p.inboxId)
      const expiresAt = p.expiresAt ?? timestamp()
      conversation.expiresAt = expiresAt
      record(conversation, { type: 'exploded', inboxId: p.inboxId, expiresAt, at: timestamp() })
      if (!hasEnded(conversation)) return
      for (const { inboxId } of conversation.members) if (inboxId !== p.inboxId) this.leave(id, inboxId)
    },

    leave(id: string, inboxId: string) {
      const conversation = get(id)
      memberOf(conversation, inboxId)
      conversation.members = conversation.members.filter((each) => each.inboxId !== inboxId)
      record(conversation, { type: 'member_left', inboxId })
    },

    dump: (): z.infer<typeof State> => ({ conversations: [...conversations.values()] }),
    load(state: unknown) {
      const saved = State.parse(state)
      clear()
      for (const conversation of saved.conversations) conversations.set(conversation.id, conversation)
    },
    clear,
  }
}

const newInboxId = () => randomBytes(32).toString('hex')

import { z } from 'zod'
import { Approval, type Conversation, ConversationId, InboxId, JoinRequest, Member, messagesOf } from './model.ts'
import type { Admission } from './network.ts'

/** A conversation as the API shows it. */
export const ConversationView = z.object({
  id: ConversationId,
  name: z.string(),
  description: z.string(),
  createdAt: z.string(),
  creatorInboxId: InboxId,
  invite: z.object({ url: z.string(), slug: z.string(), tag: z.string() }),
  approval: Approval,
  locked: z.boolean(),
  expiresAt: z.string().nullable(),
  members: z.array(Member),
  requests: z.array(JoinRequest),
  messageCount: z.number(),
  /** The position of the newest entry of the log. */
  cursor: z.number(),
})
export type ConversationView = z.infer<typeof ConversationView>

export const ConversationList = z.object({ conversations: z.array(ConversationView) })

/** What an invite tells those who hold it: not who is inside, and not the conversation's id. */
export const InviteView = z.object({
  slug: z.string(),
  tag: z.string(),
  url: z.string(),
  name: z.string(),
  description: z.string(),
})
export type InviteView = z.infer<typeof InviteView>

export const AdmissionView = z.object({
  status: z.enum(['joined', 'request_sent', 'refused']),
  inboxId: InboxId,
  conversationId: ConversationId.nullable(),
})
export type AdmissionView = z.infer<typeof AdmissionView>

/** The first thing that a stream says: what is not newer than this happened before it was opened. */
export const Hello = z.object({ cursor: z.number() })

export function presentConversation(conversation: Conversation, inviteUrl: string): ConversationView {
  const { id, name, description, createdAt, creatorInboxId, approval, locked, expiresAt, members, requests } = conversation
  return {
    id,
    name,
    description,
    createdAt,
    creatorInboxId,
    invite: { url: inviteUrl, ...conversation.invite },
    approval,
    locked,
    expiresAt,
    members,
    requests,
    messageCount: messagesOf(conversation).length,
    cursor: conversation.log.length,
  }
}

export function presentInvite({ invite, name, description }: Conversation, url: string): InviteView {
  return { ...invite, url, name, description }
}

export function presentAdmission({ status, inboxId, conversation }: Admission): AdmissionView {
  return { status, inboxId, conversationId: status === 'joined' ? conversation.id : null }
}

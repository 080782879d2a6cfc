import { randomBytes } from 'node:crypto'
import type { ConversationView } from '../simulators/convos/views.ts'
import { type Client, Refused } from './client.ts'
import type { Home, Identity } from './home.ts'
import { inviteSlug } from './invite.ts'
import { type Options, UsageError } from './options.ts'
import { contentOf } from './serve/protocol.ts'

const JOIN_TIMEOUT_S = 60
/** The network holds a request to join this long at most before it tells how things stand. */
const LONGEST_WAIT_MS = 20_000

/** What a command needs to do its work. */
export interface Deps {
  home: Home
  client: Client
  options: Options
}

/** A conversation about to be made; its id is chosen here, so that creating it may be repeated. */
export function draftConversation({ options }: Pick<Deps, 'options'>, identity: Identity) {
  return {
    id: randomBytes(16).toString('hex'),
    name: options.name ?? '',
    description: options.description ?? '',
    creator: { inboxId: identity.inboxId, name: options['profile-name'] ?? identity.profileName, kind: 'agent' as const },
  }
}

/** `conversations create` */
export async function create(deps: Deps) {
  const { identity } = deps.home.ensureIdentity()
  const conversation = await deps.client.create(draftConversation(deps, identity))
  return {
    conversationId: conversation.id,
    identityId: identity.id,
    address: identity.address,
    inboxId: identity.inboxId,
    name: conversation.name,
    description: conversation.description,
    permissions: 'all-members',
    createdAt: conversation.createdAt,
    invite: inviteOf(conversation),
  }
}

/** `conversations join`: waits to be let in until the time is up, unless told not to wait. */
export async function join(deps: Deps, invite: string | undefined) {
  const slug = inviteSlug(invite)
  const { identity } = deps.home.ensureIdentity()
  const agent = { inboxId: identity.inboxId, name: deps.options['profile-name'] ?? identity.profileName }
  const endsAt = Date.now() + (deps.options['no-wait'] ? 0 : (deps.options.timeout ?? JOIN_TIMEOUT_S) * 1_000)

  for (;;) {
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, endsAt - Date.now()))
    const { status, conversationId } = await deps.client.join(slug, agent, waitMs).catch(asUnusable)
    const answer = { identityId: identity.id, inboxId: identity.inboxId }
    if (status === 'joined') return { status, conversationId, ...answer }
    if (status === 'refused') return { status, ...answer }
    if (deps.options['no-wait']) return { status, ...answer }
    if (Date.now() >= endsAt) return { status: 'timeout', ...answer }
  }
}

/** The real command reads an invite's signature, and calls one that nobody made unparsable. */
function asUnusable(error: unknown): never {
  const unknown = error instanceof Refused && error.status === 404
  throw unknown ? new UsageError('Failed to parse invite: no such invite') : error
}

/** `conversations list`: what this identity is in, the newest first; the real command answers so when there is nothing. */
export async function list({ home, client }: Deps) {
  const identity = home.identity()
  const conversations = identity ? await client.conversationsOf(identity.inboxId) : []
  if (conversations.length === 0) return { message: 'No conversations found.', count: 0 }
  return conversations.map(({ id, name, description, createdAt }) => ({ conversationId: id, name, description, createdAt }))
}

/** `conversation messages`, the newest first, as the real command does by default; a member has no key to what was said before it came. */
export async function messages({ home, client, options }: Deps, id = '') {
  const [all, { members }] = await Promise.all([client.messages(id), client.conversation(id)])
  const own = home.identity()?.inboxId
  const since = Date.parse(members.find(({ inboxId }) => inboxId === own)?.joinedAt ?? '') || 0
  return all
    .filter(({ sentAt }) => Date.parse(sentAt) >= since)
    .toReversed()
    .slice(0, options.limit)
    .map((message) => ({
      id: message.id,
      senderInboxId: message.senderInboxId,
      ...contentOf(message),
      sentAt: message.sentAt,
      deliveryStatus: 'published',
    }))
}

/** `conversations inspect-invite` */
export async function inspectInvite({ client }: Deps, invite: string | undefined) {
  return await client.invite(inviteSlug(invite))
}

const inviteOf = ({ invite: { slug, url, tag } }: ConversationView) => ({ slug, url, tag })

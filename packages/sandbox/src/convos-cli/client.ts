import { z } from 'zod'
import { Attachment, DisplayName, Member, Message, type Metadata, type Signal } from '../simulators/convos/model.ts'
import { AdmissionView, ConversationList, ConversationView, InviteView } from '../simulators/convos/views.ts'

const REQUEST_TIMEOUT_MS = 10_000

/** The network answered, and the answer is no. */
export class Refused extends Error {
  override name = 'Refused'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The network did not answer, or not sensibly; the same request may be sent again. */
export class Unreachable extends Error {
  override name = 'Unreachable'
}

const Messages = z.object({ messages: z.array(Message) })
const Failure = z.object({ error: z.object({ message: z.string() }) })

/** Sends one request; whatever goes wrong is either `Refused` or `Unreachable`. */
export async function request(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Unreachable('the Convos network cannot be reached', { cause })
  })
  if (response.ok) return response
  const body = Failure.safeParse(await response.json().catch(() => null))
  const message = body.success ? body.data.error.message : `the Convos network answered ${response.status}`
  const isFinal = response.status < 500 && response.status !== 429
  throw isFinal ? new Refused(response.status, message) : new Unreachable(message)
}

export interface NewConversation {
  id: string
  name: string
  description: string
  creator: { inboxId: string; name: string; kind: 'agent' }
}

export type Client = ReturnType<typeof createClient>

/** The network's API as far as an agent needs it. */
export function createClient(networkUrl: string) {
  const api = `${networkUrl}/api`

  async function call<T>(
    schema: z.ZodType<T>,
    method: string,
    path: string,
    body?: object,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<T> {
    const response = await request(api + path, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const parsed = schema.safeParse(response.status === 204 ? undefined : await response.json().catch(() => null))
    if (!parsed.success) throw new Unreachable('the Convos network sent an answer that makes no sense', { cause: parsed.error })
    return parsed.data
  }

  return {
    conversation: (id: string) => call(ConversationView, 'GET', `/conversations/${id}`),
    conversationsOf: async (inboxId: string) =>
      (await call(ConversationList, 'GET', `/inboxes/${inboxId}/conversations`)).conversations,
    create: (conversation: NewConversation) => call(ConversationView, 'POST', '/conversations', conversation),
    update: (id: string, changes: { name?: string; locked?: boolean }) =>
      call(ConversationView, 'PATCH', `/conversations/${id}`, changes),
    invite: (slug: string) => call(InviteView, 'GET', `/invites/${slug}`),
    join: (slug: string, agent: { inboxId: string; name: string }, waitMs: number) =>
      call(AdmissionView, 'POST', `/invites/${slug}/join`, { ...agent, kind: 'agent', waitMs }, waitMs + REQUEST_TIMEOUT_MS),
    messages: async (id: string) => (await call(Messages, 'GET', `/conversations/${id}/messages`)).messages,
    send: (
      id: string,
      message: { id: string; senderInboxId: string; replyTo?: string | undefined } & (
        | { text: string }
        | { attachment: Attachment }
      ),
    ) => call(Message, 'POST', `/conversations/${id}/messages`, message),
    react: (id: string, messageId: string, reaction: { inboxId: string; emoji: string; action: 'added' | 'removed' }) =>
      call(z.undefined(), 'POST', `/conversations/${id}/messages/${encodeURIComponent(messageId)}/reactions`, reaction),
    upload: async (id: string, file: { filename: string; mimeType: string; content: Uint8Array<ArrayBuffer> }) => {
      const path = `/conversations/${id}/files?filename=${encodeURIComponent(file.filename)}`
      const headers = { 'content-type': file.mimeType }
      const response = await request(api + path, {
        method: 'POST',
        headers,
        body: file.content,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
      return Attachment.parse(await response.json())
    },
    signal: (id: string, signal: Signal) => call(z.undefined(), 'POST', `/conversations/${id}/signals`, signal),
    explode: (id: string, inboxId: string, expiresAt: string | undefined) =>
      call(ConversationView, 'POST', `/conversations/${id}/explode`, { inboxId, expiresAt }),
    updateProfile: (
      id: string,
      inboxId: string,
      profile: {
        name?: z.infer<typeof DisplayName> | undefined
        image?: string | undefined
        metadata?: z.infer<typeof Metadata> | undefined
      },
    ) => call(Member, 'PATCH', `/conversations/${id}/members/${inboxId}`, profile),
    eventsUrl: (id: string, after: number) => `${api}/conversations/${id}/events?after=${after}`,
  }
}

import { eventually } from '@convos/sandbox/testing'
import { z } from 'zod'

const Admission = z.object({ status: z.string(), inboxId: z.string(), conversationId: z.string().nullable() })
const Message = z.object({ id: z.string(), senderInboxId: z.string(), senderName: z.string().nullish(), text: z.string() })
const Messages = z.object({ messages: z.array(Message) })
export type Message = z.infer<typeof Message>

export interface Person {
  inboxId: string
  say(text: string): Promise<void>
  /** What others have written so far. */
  heard(): Promise<Message[]>
  /** The first message of another that matches. */
  hears(pattern: RegExp): Promise<Message>
}

/** Somebody who opens an invite link and talks to whoever is in there. */
export async function joinAsPerson(inviteUrl: string, name: string): Promise<Person> {
  const url = new URL(inviteUrl)
  const api = `${url.origin}/convos/api`
  const post = async (path: string, body: unknown) => {
    const res = await fetch(api + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!res.ok) throw new Error(`${path} answered ${res.status}: ${await res.text()}`)
    return res.json() as Promise<unknown>
  }
  const { inboxId, conversationId } = Admission.parse(
    await post(`/invites/${url.searchParams.get('i')}/join`, { name, kind: 'person', waitMs: 5000 }),
  )
  const heard = async () => {
    const { messages } = Messages.parse(await (await fetch(`${api}/conversations/${conversationId}/messages`)).json())
    return messages.filter((message) => message.senderInboxId !== inboxId)
  }
  return {
    inboxId,
    heard,
    say: async (text) => void (await post(`/conversations/${conversationId}/messages`, { senderInboxId: inboxId, text })),
    hears: (pattern) =>
      eventually(`${name} hears ${pattern}`, async () => (await heard()).find((message) => pattern.test(message.text)), {
        timeoutMs: 20_000,
      }),
  }
}

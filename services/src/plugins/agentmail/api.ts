import type { HttpError } from '@convos/kit'
import { z } from 'zod'
import type { Gate } from '../../budget/gate.ts'
import { createRestClient, type Meaning } from '../rest.ts'

/** The largest page that is asked for; what the provider allows is not documented. */
const PAGE = 100

/** An inbox's id is its address. */
const Inbox = z.object({ inbox_id: z.string(), client_id: z.string().nullish(), created_at: z.coerce.date() })
export type Inbox = z.output<typeof Inbox>
const Key = z.object({ api_key_id: z.string(), name: z.string().nullish() })

const next_page_token = z.string().nullish()
const Inboxes = z.object({ inboxes: z.array(Inbox), next_page_token })
const Keys = z.object({ api_keys: z.array(Key), next_page_token })
const NewKey = Key.extend({ api_key: z.string() })

/** What an agent does with its mail; its key makes no keys and does not delete the inbox. */
const PERMISSIONS = Object.fromEntries(
  [
    'inbox_read',
    'inbox_update',
    'message_read',
    'message_send',
    'message_update',
    'message_delete',
    'draft_read',
    'draft_create',
    'draft_update',
    'draft_delete',
    'draft_send',
    'label_spam_read',
    'label_blocked_read',
    'label_trash_read',
    'label_unauthenticated_read',
  ].map((permission) => [permission, true]),
)

export type AgentMailApi = ReturnType<typeof createAgentMailApi>

/** AgentMail's inboxes and their keys. */
export function createAgentMailApi({ url, apiKey }: { url: string; apiKey: string }, gate: Gate) {
  const headers = { authorization: `Bearer ${apiKey}` }
  const call = createRestClient({ provider: 'agentmail', baseUrl: url, headers, gate, meaningOf })
  const at = (inboxId: string) => `/inboxes/${encodeURIComponent(inboxId)}`

  async function allPages<T>(page: (query: string) => Promise<{ items: T[]; next: string | null | undefined }>): Promise<T[]> {
    const all: T[] = []
    for (let token = ''; ;) {
      const { items, next } = await page(
        new URLSearchParams({ limit: String(PAGE), ...(token && { page_token: token }) }).toString(),
      )
      all.push(...items)
      if (!next) return all
      token = next
    }
  }

  return {
    createInbox: (inbox: { username: string; domain: string | undefined; client_id: string; display_name: string }) =>
      call('/inboxes', { operation: 'createInbox', method: 'POST', json: inbox, reply: Inbox }),
    deleteInbox: (inboxId: string) => call(at(inboxId), { operation: 'deleteInbox', method: 'DELETE', reply: z.unknown() }),
    inboxes: () =>
      allPages(async (query) => {
        const page = await call(`/inboxes?${query}`, { operation: 'listInboxes', reply: Inboxes })
        return { items: page.inboxes, next: page.next_page_token }
      }),

    /** A key that reaches this inbox only; told once. */
    createKey: (inboxId: string, name: string) =>
      call(`${at(inboxId)}/api-keys`, {
        operation: 'createKey',
        method: 'POST',
        json: { name, permissions: PERMISSIONS },
        reply: NewKey,
      }),
    deleteKey: (inboxId: string, keyId: string) =>
      call(`${at(inboxId)}/api-keys/${encodeURIComponent(keyId)}`, {
        operation: 'deleteKey',
        method: 'DELETE',
        reply: z.unknown(),
      }),
    keys: (inboxId: string) =>
      allPages(async (query) => {
        const page = await call(`${at(inboxId)}/api-keys?${query}`, { operation: 'listKeys', reply: Keys })
        return { items: page.api_keys, next: page.next_page_token }
      }),
  }
}

const Refusal = z.object({ name: z.string().nullish(), code: z.string().nullish() })

/** A 403 can be many things, told apart by `code` alone; one without is the gateway's word about a key that it does not know. */
function meaningOf({ body }: HttpError): Meaning | null {
  const { code, name } = Refusal.safeParse(body).data ?? {}
  if (code === 'limit_exceeded' || name === 'LimitExceededError') {
    const message = 'the plan has no room for another inbox: delete some, or upgrade it'
    return { kind: 'permanent', message }
  }
  switch (code) {
    case 'resource_taken':
    case 'already_exists':
      return { kind: 'conflict' }
    case 'domain_not_verified':
      return { kind: 'permanent', message: 'the mail domain is not verified' }
    case 'race_condition':
    case 'resource_deleting':
      return { kind: 'transient' }
    default:
      return null
  }
}

import { z } from 'zod'
import { Inbox, InboxKey, Message, Settings, type SettingsChange } from './model.ts'

const SentOnce = z.object({
  request: z.string(),
  answer: z.object({ message_id: z.string(), thread_id: z.string() }),
  at: z.number(),
})
export type SentOnce = z.infer<typeof SentOnce>

const State = z.object({
  lastSeq: z.number(),
  inboxes: z.array(Inbox),
  keys: z.array(InboxKey),
  messages: z.array(Message),
  /** Addresses of deleted inboxes: nobody gets them again. */
  retired: z.array(z.string()),
  /** Hashes of deleted keys: else they would be unknown bearers, and those pass as the organization's key. */
  revoked: z.array(z.string()),
  /** Sends by idempotency key. */
  sent: z.record(z.string(), SentOnce),
  settings: Settings,
})
type State = z.infer<typeof State>

const empty = (): State => ({
  lastSeq: 0,
  inboxes: [],
  keys: [],
  messages: [],
  retired: [],
  revoked: [],
  sent: {},
  settings: { inboxLimit: null, verifiedDomains: [], sendableAfterMs: 0 },
})

export type MailStore = ReturnType<typeof createMailStore>

/** Everything that the organization owns, in the order of its creation. */
export function createMailStore() {
  let state = empty()

  function replace<T>(rows: T[], old: T, changed: T): T {
    rows[rows.indexOf(old)] = changed
    return changed
  }
  function removeKeys(doomed: (key: InboxKey) => boolean) {
    state.revoked.push(...state.keys.filter(doomed).map((key) => key.secret_hash))
    state.keys = state.keys.filter((key) => !doomed(key))
  }

  return {
    nextSeq: () => ++state.lastSeq,
    settings: () => state.settings,
    configure: (change: z.infer<typeof SettingsChange>) => void Object.assign(state.settings, change),

    inboxes: () => state.inboxes,
    inbox: (id: string) => state.inboxes.find((inbox) => inbox.inbox_id === id.toLowerCase()),
    addInbox: (inbox: Inbox) => void state.inboxes.push(inbox),
    updateInbox: (old: Inbox, changed: Inbox) => replace(state.inboxes, old, changed),
    isRetired: (address: string) => state.retired.includes(address),
    /** With it go its messages and keys. */
    removeInbox(id: string) {
      state.inboxes = state.inboxes.filter((inbox) => inbox.inbox_id !== id)
      state.messages = state.messages.filter((message) => message.inbox_id !== id)
      removeKeys((key) => key.inbox_id === id)
      state.retired.push(id)
    },

    keys: () => state.keys,
    keyBySecret: (hash: string) => state.keys.find((key) => key.secret_hash === hash),
    wasRevoked: (hash: string) => state.revoked.includes(hash),
    addKey: (key: InboxKey) => void state.keys.push(key),
    touchKey: (key: InboxKey, at: string) => replace(state.keys, key, { ...key, used_at: at }),
    removeKey: (id: string) => removeKeys((key) => key.api_key_id === id),

    messagesOf: (inboxId: string) => state.messages.filter((message) => message.inbox_id === inboxId),
    addMessage: (message: Message) => void state.messages.push(message),
    updateMessage: (old: Message, changed: Message) => replace(state.messages, old, changed),

    sentOnce: (key: string): SentOnce | undefined => state.sent[key],
    rememberSent: (key: string, sent: SentOnce) => void (state.sent[key] = sent),

    dump: () => state,
    load: (stored: unknown) => void (state = State.parse(stored)),
    reset: () => void (state = empty()),
  }
}

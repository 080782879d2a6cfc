import { z } from 'zod'
import { without } from '../core/without.ts'

/** The pod that every organization has from the start. */
export const DEFAULT_POD = 'c0b1e9a4-6d0e-4f3a-9c55-2f4d8e7a1b60'

const MetadataValue = z.union([z.string().max(256), z.number(), z.boolean()])
export const Metadata = z.record(z.string().min(1).max(256), MetadataValue).refine((map) => Object.keys(map).length <= 256)
export const MetadataChange = z
  .record(z.string().min(1).max(256), MetadataValue.nullable())
  .refine((map) => Object.keys(map).length > 0, 'send null to clear all metadata')

const seq = z.number()

/** An inbox, in the API's own words. Its id is its address. */
export const Inbox = z.object({
  seq,
  pod_id: z.string(),
  inbox_id: z.string(),
  email: z.string(),
  display_name: z.string().optional(),
  client_id: z.string().optional(),
  metadata: Metadata.optional(),
  updated_at: z.string(),
  created_at: z.string(),
})
export type Inbox = z.infer<typeof Inbox>

export const PERMISSIONS = [
  'inbox_read',
  'inbox_create',
  'inbox_update',
  'inbox_delete',
  'message_read',
  'message_send',
  'message_update',
  'api_key_read',
  'api_key_create',
  'api_key_delete',
] as const
export type Permission = (typeof PERMISSIONS)[number]

/** Absent: everything is allowed. Present: only what is true; there are more names than the simulator acts on. */
export const Permissions = z.record(z.string(), z.boolean())

/** A key that reaches one inbox; its secret only as a hash. */
export const InboxKey = z.object({
  seq,
  secret_hash: z.string(),
  api_key_id: z.string(),
  prefix: z.string(),
  name: z.string(),
  pod_id: z.string(),
  inbox_id: z.string(),
  used_at: z.string().optional(),
  permissions: Permissions.optional(),
  created_at: z.string(),
})
export type InboxKey = z.infer<typeof InboxKey>

const Attachment = z.object({
  attachment_id: z.string(),
  filename: z.string().optional(),
  content_type: z.string().optional(),
  size: z.number(),
})
export type Attachment = z.infer<typeof Attachment>

/** One inbox's copy of a message. */
export const Message = z.object({
  seq,
  inbox_id: z.string(),
  thread_id: z.string(),
  message_id: z.string(),
  labels: z.array(z.string()),
  timestamp: z.string(),
  from: z.string(),
  reply_to: z.array(z.string()).optional(),
  to: z.array(z.string()),
  cc: z.array(z.string()).optional(),
  bcc: z.array(z.string()).optional(),
  subject: z.string().optional(),
  preview: z.string().optional(),
  text: z.string().optional(),
  html: z.string().optional(),
  attachments: z.array(Attachment).optional(),
  in_reply_to: z.string().optional(),
  references: z.array(z.string()).optional(),
  size: z.number(),
  updated_at: z.string(),
  created_at: z.string(),
})
export type Message = z.infer<typeof Message>

/** What tests may change about the account. */
export const Settings = z.object({
  /** How many inboxes the plan allows; `null`: any number. */
  inboxLimit: z.int().min(0).nullable(),
  /** Where inboxes may live beside `agentmail.to`. */
  verifiedDomains: z.array(z.string()),
  /** So long after its creation an inbox can be read, but sending from it answers 404. */
  sendableAfterMs: z.int().min(0),
})
export type Settings = z.infer<typeof Settings>
export const SettingsChange = z.strictObject(Settings.partial().shape)

export const presentInbox = (inbox: Inbox) => without(inbox, 'seq')

/** As its creation tells it. */
export const presentNewKey = (key: InboxKey) => without(key, 'seq', 'secret_hash', 'used_at')

/** As lists show it, where there are keys of other kinds too. */
export const presentKey = (key: InboxKey) => ({
  type: 'bearer',
  ...without(key, 'seq', 'secret_hash'),
  updated_at: key.created_at,
})

export const presentMessage = (message: Message) => without(message, 'seq')

/** In a list a message comes without its body. */
export const presentMessageItem = (message: Message) => without(message, 'seq', 'text', 'html', 'reply_to')

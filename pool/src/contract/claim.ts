import { z } from 'zod'
import { Tool } from './instance.ts'

export const CLAIM_STATUSES = ['queued', 'running', 'pending', 'done', 'failed', 'cancelled', 'ended'] as const
export const ClaimStatus = z.enum(CLAIM_STATUSES)
export type ClaimStatus = z.infer<typeof ClaimStatus>

export const DEFAULT_AGENT_NAME = 'Assistant'
export const DEFAULT_INSTRUCTIONS =
  'You are a helpful assistant in a group chat. Be brief, friendly and concrete; ask when something is unclear; say so when you do not know.'

const printable = (text: string) => !/\p{Cc}/u.test(text)

/** Body of `POST /api/pool/claim`; an empty body is valid. */
export const ClaimRequest = z.strictObject({
  agentName: z
    .string()
    .trim()
    .min(1)
    .max(64)
    .refine(printable, 'must not contain control characters')
    .default(DEFAULT_AGENT_NAME),
  instructions: z
    .string()
    .refine((text) => new TextEncoder().encode(text).length <= 64 * 1024, 'must be at most 64 KiB')
    .refine((text) => !text.includes('\0'), 'must not contain NUL characters')
    .default(DEFAULT_INSTRUCTIONS),
  /** An invite to join; without it a new conversation is created. */
  joinUrl: z.string().max(4096).optional(),
  model: z.string().trim().min(1).max(200).refine(printable, 'must not contain control characters').optional(),
  /** How long to wait in the queue when no instance is ready, ms. */
  waitMs: z.number().int().min(0).max(60_000).default(0),
})
export type ClaimRequest = z.infer<typeof ClaimRequest>

export const ClaimStep = z.object({
  name: z.enum(['queued', 'configure', 'joining', 'done']),
  state: z.enum(['running', 'done', 'failed']),
  startedAt: z.string(),
  ms: z.number().nullable(),
})

/** A claim as its principal sees it; `gatewayToken` is present for it alone. */
export const Claim = z.object({
  claimId: z.string(),
  status: ClaimStatus,
  instanceId: z.string().nullable(),
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
  joined: z.boolean(),
  gatewayUrl: z.string().nullable(),
  gatewayToken: z.string().nullable(),
  agentName: z.string(),
  templateId: z.string().nullable(),
  tools: z.array(Tool),
  queue: z.object({ position: z.number().int(), etaSeconds: z.number().int().nullable() }).nullable(),
  steps: z.array(ClaimStep),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
})
export type Claim = z.infer<typeof Claim>

import { z } from 'zod'
import { Tool } from './instance.ts'

export const CLAIM_STATUSES = ['queued', 'running', 'pending', 'done', 'failed', 'cancelled', 'ended'] as const
export const ClaimStatus = z.enum(CLAIM_STATUSES)
export type ClaimStatus = z.infer<typeof ClaimStatus>

export const DEFAULT_AGENT_NAME = 'Assistant'
export const DEFAULT_INSTRUCTIONS =
  'You are a helpful assistant in a group chat. Be brief, friendly and concrete; ask when something is unclear; say so when you do not know.'

const printable = (text: string) => !/\p{Cc}/u.test(text)

export const AgentName = z.string().trim().min(1).max(64).refine(printable, 'must not contain control characters')
export const Instructions = z
  .string()
  .refine((text) => new TextEncoder().encode(text).length <= 64 * 1024, 'must be at most 64 KiB')
  .refine((text) => !text.includes('\0'), 'must not contain NUL characters')
export const Model = z.string().trim().min(1).max(200).refine(printable, 'must not contain control characters')
export const ToolId = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be the id of a tool')

/** Per tool, what its `userConfig` of `GET /api/tools` asks for. */
const userConfig = z.record(ToolId, z.record(z.string(), z.unknown())).optional()
/** How long to wait in the queue when no instance is ready, ms. */
const waitMs = z.number().int().min(0).max(60_000).default(0)

/** Body of `POST /api/pool/claim`; an empty body is valid. What is not given is the template's, and without one the defaults. */
export const ClaimRequest = z
  .strictObject({
    agentName: AgentName.optional(),
    instructions: Instructions.optional(),
    /** An invite to join; without it a new conversation is created. */
    joinUrl: z.string().max(4096).optional(),
    templateId: z.string().min(1).max(64).optional(),
    model: Model.optional(),
    userConfig,
    /** An EIP-4361 message made from a challenge, and the owner's EIP-191 signature of it. */
    ownerMessage: z.string().min(1).max(4096).optional(),
    ownerSignature: z.string().min(1).max(1024).optional(),
    /** A label, not proven. */
    ownerInboxId: z.string().trim().min(1).max(128).refine(printable, 'must not contain control characters').optional(),
    /** When the agent ends by itself; without it: never. */
    expiresAt: z.iso.datetime({ offset: true }).nullable().optional(),
    waitMs,
  })
  .refine((body) => (body.ownerMessage === undefined) === (body.ownerSignature === undefined), {
    path: ['ownerSignature'],
    error: 'goes together with ownerMessage',
  })
export type ClaimRequest = z.infer<typeof ClaimRequest>

/** Body of `POST /api/pool/instances/:id/clone`: credentials are never kept, so the agent's own must be brought again. */
export const CloneRequest = z.strictObject({ userConfig, waitMs })
export type CloneRequest = z.infer<typeof CloneRequest>

/** `POST /api/pool/claim/challenge`: what the message of an owner must say; the nonce is good for one claim. */
export const Challenge = z.object({
  nonce: z.string(),
  domain: z.string(),
  uri: z.string(),
  chainId: z.number().int(),
  expiresAt: z.string(),
})

export const ClaimStep = z.object({
  name: z.enum(['queued', 'tools', 'configure', 'joining', 'done']),
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

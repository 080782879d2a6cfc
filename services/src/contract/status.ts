import { Binding } from '@convos/agent-server/contract'
import { z } from 'zod'
import { InstanceId, ToolState } from './instances.ts'

/** `POST /status/batch`; `detail` picks the longer answer. */
export const StatusRequest = z.object({ instanceIds: z.array(InstanceId).max(500), detail: z.boolean().optional() })

export const ShortState = z.enum(['deploying', 'deploy_failed', 'healthy', 'unreachable', 'unknown'])
export const ShortStatusReply = z.record(z.string(), ShortState)

/**
 * Where an instance stands. `absent`: services never heard of it (a fact); `unknown`: nothing can be said now (changes nothing).
 * A reply may hold a state that this version does not know yet: it reads as `unknown`.
 */
export const InstanceState = z
  .enum([
    'absent',
    'queued',
    'creating',
    'deploying',
    'deploy_failed',
    'healthy',
    'unreachable',
    'destroying',
    'destroyed',
    'unknown',
  ])
  .catch('unknown')
export type InstanceState = z.infer<typeof InstanceState>

/** The latest probe that was *answered*; null when none ever was. */
export const ProbedHealth = z.object({
  ready: z.boolean(),
  clean: z.boolean(),
  binding: Binding,
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
  claimId: z.string().nullable(),
  version: z.string(),
  lastActivityAt: z.string().nullable(),
  /** When it was answered, RFC 3339. */
  at: z.string(),
})
export type ProbedHealth = z.infer<typeof ProbedHealth>

export const StatusDetail = z.object({
  state: InstanceState,
  phaseSince: z.string().nullable(),
  deploymentStartedAt: z.string().nullable(),
  /** Probes in a row that got no answer, or a `ready: false`, and since when; 0 and null while it is ready. */
  failures: z.number().int(),
  failingSince: z.string().nullable(),
  url: z.string().nullable(),
  /** `name@sha256:…` */
  image: z.string().nullable(),
  tools: z.array(ToolState),
  health: ProbedHealth.nullable(),
})
export type StatusDetail = z.infer<typeof StatusDetail>
export const DetailStatusReply = z.record(z.string(), StatusDetail)

/** `GET /changes?after=&waitMs=`: without `after` the present cursor at once; `reset` asks for a full pass. */
export const ChangesQuery = z.object({
  after: z.string().regex(/^\d+$/).optional(),
  waitMs: z.coerce.number().int().min(0).max(25_000).default(0),
})
export const ChangesReply = z.object({ cursor: z.string(), instanceIds: z.array(z.string()), reset: z.boolean() })
export type ChangesReply = z.infer<typeof ChangesReply>

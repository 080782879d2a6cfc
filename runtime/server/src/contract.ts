/** The API that every instance serves, whatever engine runs inside it. */
import { z } from 'zod'

const EnvName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be an upper-case variable name')
/** Environment variables as they travel to an instance: names as shells accept them, values as they are. */
export const EnvVars = z.record(EnvName, z.string())

/**
 * How far an instance is bound to a conversation: `none` (untouched), `working` (a claim is being carried out), `pending` (asked to join, not yet
 * let in), `active`, `refused` (asked, and was refused or gave up; or its conversation has ended, and then it has no `conversationId`).
 */
export const Binding = z.enum(['none', 'working', 'pending', 'active', 'refused'])
export type Binding = z.infer<typeof Binding>

/** `GET /pool/health` without a token. `ready` is true only now; `clean` = no identity, no conversation, no session, empty overlay. */
export const PublicHealth = z.object({ ready: z.boolean(), clean: z.boolean(), version: z.string() })

/** `GET /pool/health` with the control token. */
export const Health = PublicHealth.extend({
  binding: Binding,
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
  claimId: z.string().nullable(),
  /** RFC 3339; null before the first message. */
  lastActivityAt: z.string().nullable(),
  /** Why the engine does not answer right now, in words for an operator; null while it does. */
  fault: z.string().nullish(),
})
export type Health = z.infer<typeof Health>

/** `POST /pool/provision`. The same claimId again answers the same; another one on a bound instance is a 409 `FOREIGN_CLAIM`. */
export const ProvisionRequest = z.object({
  claimId: z.string().min(1).max(64),
  agentName: z.string().min(1).max(64),
  instructions: z.string().max(64 * 1024),
  model: z.string().min(1).max(200).nullish(),
  joinUrl: z.string().max(4096).nullish(),
  env: EnvVars.nullish(),
})
export type ProvisionRequest = z.infer<typeof ProvisionRequest>

export const ProvisionReply = z.object({
  ok: z.literal(true),
  /** Null only while `status` is `pending`. */
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
  joined: z.boolean(),
  status: z.enum(['active', 'pending']),
})
export type ProvisionReply = z.infer<typeof ProvisionReply>

/** `PATCH /pool/profile`; a `revision` not above the last applied one changes nothing. `model: null`: the box's own model. */
export const ProfileRequest = z.object({
  agentName: z.string().min(1).max(64).nullish(),
  instructions: z
    .string()
    .max(64 * 1024)
    .nullish(),
  model: z.string().min(1).max(200).nullish(),
  revision: z.number().int().nonnegative(),
})
export type ProfileRequest = z.infer<typeof ProfileRequest>

/** `POST /pool/env`: laid over the process's own variables, kept on the volume; null takes away what was laid over before. */
export const EnvRequest = z.object({ env: z.record(EnvName, z.string().nullable()) })

export const CancelRequest = z.object({ claimId: z.string().min(1).max(64) })
/** `joined`: whether the instance is in the invited conversation in spite of the cancel; always false for a created one. */
export const CancelReply = z.object({ joined: z.boolean() })

export const ResetReply = z.object({ ok: z.literal(true), clean: z.boolean() })
export const OkReply = z.object({ ok: z.literal(true) })

/** `GET /convos/status` (gateway token). */
export const ConvosStatus = z.object({
  ready: z.boolean(),
  conversation: z.object({ id: z.string(), inviteUrl: z.string().nullable() }).nullable(),
  streaming: z.boolean(),
})

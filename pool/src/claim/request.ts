import { createHmac } from 'node:crypto'
import { Problem } from '@convos/kit'
import { NETWORK_ORIGINS } from '../config.ts'
import { type ClaimRequest, type CloneRequest, DEFAULT_AGENT_NAME, DEFAULT_INSTRUCTIONS } from '../contract/index.ts'
import type { ClaimMode } from '../db/claims.ts'
import type { Signed } from './owner.ts'

export type UserConfig = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** What is asked for: held in memory by the replica that was asked, and never stored. */
export interface Draft {
  /** Null: what the template says. */
  agentName: string | null
  instructions: string | null
  joinUrl: string | null
  model: string | null
  templateId: string | null
  /** An instance whose agent is wanted once more, with everything that it was told; then the fields above are null. */
  cloneOf: string | null
  /** The claimer's own credentials, per tool. */
  userConfig: UserConfig
  /** Proves whose agent it is. */
  signed: Signed | null
  ownerInboxId: string | null
  expiresAt: Date | null
  mode: ClaimMode
  waitMs: number
}

/**
 * What a claim's body asks for; nothing is reserved before it holds.
 * @throws Problem where the invite is none of ours
 */
export function draftOf(request: ClaimRequest, inviteOrigins: readonly string[]): Draft {
  const { joinUrl, model = null, templateId = null, userConfig = {}, waitMs, ownerInboxId = null, ...said } = request
  const { ownerMessage: message, ownerSignature: signature, expiresAt } = said
  const invite = joinUrl === undefined ? null : checkInvite(joinUrl, inviteOrigins)
  const otherwise = <T>(value: T) => (templateId === null ? value : null)
  return {
    agentName: said.agentName ?? otherwise(DEFAULT_AGENT_NAME),
    instructions: said.instructions ?? otherwise(DEFAULT_INSTRUCTIONS),
    joinUrl: invite,
    model,
    templateId,
    cloneOf: null,
    userConfig,
    signed: message === undefined || signature === undefined ? null : { message, signature },
    ownerInboxId,
    expiresAt: typeof expiresAt === 'string' ? new Date(expiresAt) : null,
    mode: invite === null ? 'create' : 'join',
    waitMs,
  }
}

/** What a clone's body asks for; what the agent is told is looked up once it is known to be no repeat. */
export const draftOfClone = (instanceId: string, { userConfig = {}, waitMs }: CloneRequest): Draft => ({
  agentName: null,
  instructions: null,
  joinUrl: null,
  model: null,
  templateId: null,
  cloneOf: instanceId,
  userConfig,
  signed: null,
  ownerInboxId: null,
  expiresAt: null,
  mode: 'create',
  waitMs,
})

/**
 * An invite is an allowed origin, a path that ends in `/v2`, and a non-empty `i`.
 * @throws Problem
 */
function checkInvite(joinUrl: string, origins: readonly string[]): string {
  const refuse = (code: string, message: string) =>
    new Problem({ status: 400, code, detail: message, errors: [{ path: 'joinUrl', message }] })
  const url = URL.parse(joinUrl)
  if (url && !origins.includes(url.origin) && NETWORK_ORIGINS.some((known) => known === url.origin))
    throw refuse('WRONG_NETWORK', `this pool is not on the network of ${url.origin}`)
  const isInvite =
    url && origins.includes(url.origin) && !url.username && url.pathname.endsWith('/v2') && url.searchParams.get('i')
  if (!isInvite) throw refuse('INVALID_INVITE', 'this is not an invite to a conversation')
  return url.href
}

/**
 * How a repeat is recognised: one digest per accepted key of ours, the one to store first. Of what an owner signed, the
 * message: the signature of a message may be written in more than one way.
 */
export function fingerprints(draft: Draft, secrets: readonly string[]): { bodies: string[]; joins: string[] } {
  const { agentName, instructions, joinUrl, model, templateId, cloneOf, userConfig, signed, ownerInboxId, expiresAt } = draft
  // a body without them has the digest that it had before there were any
  const terms = signed || ownerInboxId || expiresAt ? [{ message: signed?.message, ownerInboxId, expiresAt }] : []
  const hasMore = templateId !== null || Object.keys(userConfig).length > 0
  const digests = (text: string) => secrets.map((secret) => createHmac('sha256', secret).update(text).digest('base64url'))
  if (cloneOf !== null) return { bodies: digests(JSON.stringify(['clone', cloneOf, userConfig])), joins: [] }
  return {
    bodies: digests(
      JSON.stringify([agentName, instructions, joinUrl, model, ...(hasMore ? [templateId, userConfig] : []), ...terms]),
    ),
    joins: joinUrl === null ? [] : digests(joinUrl),
  }
}

import { createHmac } from 'node:crypto'
import { Problem } from '@convos/kit'
import { NETWORK_ORIGINS } from '../config.ts'
import { ClaimRequest } from '../contract/index.ts'
import type { ClaimMode } from '../db/claims.ts'

/** What is asked for: held in memory by the replica that was asked, and never stored. */
export interface Draft {
  agentName: string
  instructions: string
  joinUrl: string | null
  model: string | null
  mode: ClaimMode
  waitMs: number
}

/**
 * Checks a claim's body; nothing is reserved before it holds.
 * @throws Problem or ZodError
 */
export function parseDraft(body: unknown, inviteOrigins: readonly string[]): Draft {
  const { agentName, instructions, joinUrl, model, waitMs } = ClaimRequest.parse(body ?? {})
  const invite = joinUrl === undefined ? null : checkInvite(joinUrl, inviteOrigins)
  return { agentName, instructions, joinUrl: invite, model: model ?? null, mode: invite === null ? 'create' : 'join', waitMs }
}

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

/** How a repeat is recognised: one digest per accepted key of ours, the one to store first. */
export function fingerprints(draft: Draft, secrets: readonly string[]): { bodies: string[]; joins: string[] } {
  const { agentName, instructions, joinUrl, model } = draft
  const digests = (text: string) => secrets.map((secret) => createHmac('sha256', secret).update(text).digest('base64url'))
  return {
    bodies: digests(JSON.stringify([agentName, instructions, joinUrl, model])),
    joins: joinUrl === null ? [] : digests(joinUrl),
  }
}

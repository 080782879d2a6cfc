import type { ProviderErrorKind } from '../errors.ts'

export interface Refusal {
  /** Null when no answer came. */
  status: number | null
  /** The first GraphQL error's text; null when the body held none (HTML, empty, cut off). */
  message: string | null
}

/** The wording decides: Railway's error codes are the same for all of these. First match wins. */
const BY_MESSAGE: [pattern: RegExp, kind: ProviderErrorKind][] = [
  [/too quickly|allows \d+ \w+ per \d+ seconds|every 30s|whoa there|try again in|rate limit exceeded/i, 'throttled'],
  [/two factor authentication required/i, 'permanent'],
  [/not authorized|project token not found/i, 'auth'],
  // the commit, or what a deployment was to be made of
  [/commit not found|deployment not found/i, 'permanent'],
  [/not found|could not find/i, 'not_found'],
  [/already exists|already has |not (stoppable|restartable)/i, 'conflict'],
  [/cannot redeploy yet|already in progress/i, 'transient'],
]

/** What a failed request to Railway means, by its status and the text of its error alone. */
export function classify({ status, message }: Refusal): { kind: ProviderErrorKind; uncertain: boolean } {
  if (status === null) return { kind: 'transient', uncertain: true }
  if (status === 429) return { kind: 'rate_limited', uncertain: false }
  if (status === 408 || status >= 500) return { kind: 'transient', uncertain: true }
  if (status === 401 || status === 403) return { kind: 'auth', uncertain: false }
  // an answer that is not GraphQL: who knows what happened behind it
  if (message === null) return status < 400 ? { kind: 'transient', uncertain: true } : { kind: 'permanent', uncertain: false }
  const known = BY_MESSAGE.find(([pattern]) => pattern.test(message))
  if (known) return { kind: known[1], uncertain: false }
  // opaque on purpose: with 200 it passes, with 400 the request itself is wrong
  if (/problem processing request/i.test(message))
    return status === 200 ? { kind: 'transient', uncertain: true } : { kind: 'permanent', uncertain: false }
  return { kind: 'permanent', uncertain: false }
}

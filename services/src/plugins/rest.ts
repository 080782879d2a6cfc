import { HttpError, requestJson, type RequestOptions } from '@convos/kit'
import type { z } from 'zod'
import type { Gate } from '../budget/gate.ts'
import { isKind, ProviderError, type ProviderErrorKind } from '../infra/errors.ts'
import { OTHER_PROVIDER } from '../limits.ts'

/** What a provider's refusal says beyond its status. */
export interface Meaning {
  kind?: ProviderErrorKind
  /** In words for people; nothing that a refusal may echo. */
  message?: string
  retryAfterMs?: number
}

export interface RestOptions {
  provider: string
  baseUrl: string
  /** How we prove who we are. */
  headers: Record<string, string>
  gate: Gate
  /** How long one request may take, ms. */
  timeoutMs?: number
  /** Where a provider's refusals mean something of their own, e.g. by the body's `code`; null: what they usually mean. */
  meaningOf?: (refusal: HttpError) => Meaning | null
}

type Call<S extends z.ZodType> = Pick<RequestOptions<S>, 'method' | 'json' | 'reply' | 'alsoOk'> & {
  operation: string
}
export type RestClient = <S extends z.ZodType>(path: string, call: Call<S>) => Promise<z.output<S>>

/** A provider's JSON API: one request per call, refusals as ProviderErrors. */
export function createRestClient({
  provider,
  baseUrl,
  headers,
  gate,
  timeoutMs = OTHER_PROVIDER,
  meaningOf,
}: RestOptions): RestClient {
  return (path, { operation, ...call }) =>
    gate.pass(operation, async () => {
      try {
        const { data } = await requestJson(`${baseUrl}${path}`, { ...call, headers, timeoutMs })
        return data
      } catch (cause) {
        if (!(cause instanceof HttpError)) throw cause
        const usual = usualKind(cause)
        const meaning = meaningOf?.(cause) ?? {}
        throw new ProviderError(meaning.message ?? cause.message, {
          provider,
          operation,
          kind: meaning.kind ?? usual,
          // what was refused in so many words was not done, worth another try or not
          uncertain: usual === 'transient' && (call.method ?? 'GET') !== 'GET',
          retryAfterMs: meaning.retryAfterMs ?? cause.retryAfterMs,
          cause,
        })
      }
    })
}

/** What a refused REST call means; an answer that cannot be read says nothing about what was done. */
function usualKind({ kind, status }: HttpError): ProviderErrorKind {
  if (kind !== 'status' || status === null || status === 408 || status >= 500) return 'transient'
  if (status === 429) return 'rate_limited'
  if (status === 401 || status === 403) return 'auth'
  if (status === 404 || status === 410) return 'not_found'
  return status === 409 ? 'conflict' : 'permanent'
}

/** Waits for a deletion; "gone already" is success. */
export async function gone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion
  } catch (err) {
    if (!isKind(err, 'not_found')) throw err
  }
}

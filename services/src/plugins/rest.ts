import { HttpError, requestJson, type RequestOptions } from '@convos/kit'
import type { z } from 'zod'
import { ProviderError, type ProviderErrorKind } from '../infra/errors.ts'
import { OTHER_PROVIDER } from '../limits.ts'
import type { CountRequest } from '../metrics.ts'

export interface RestOptions {
  provider: string
  baseUrl: string
  token: string
  count: CountRequest
}

type Call<S extends z.ZodType> = Pick<RequestOptions<S>, 'method' | 'json' | 'reply'> & { operation: string }
export type RestClient = <S extends z.ZodType>(path: string, call: Call<S>) => Promise<z.output<S>>

/** A provider's JSON API behind a bearer token: one request per call, refusals as ProviderErrors. */
export function createRestClient({ provider, baseUrl, token, count }: RestOptions): RestClient {
  return async (path, { operation, ...call }) => {
    try {
      const { data } = await requestJson(`${baseUrl}${path}`, {
        ...call,
        headers: { authorization: `Bearer ${token}` },
        timeoutMs: OTHER_PROVIDER,
      })
      count(provider, operation, 'ok')
      return data
    } catch (cause) {
      if (!(cause instanceof HttpError)) throw cause
      const kind = kindOf(cause)
      count(provider, operation, kind)
      throw new ProviderError(cause.message, {
        provider,
        operation,
        kind,
        uncertain: kind === 'transient' && (call.method ?? 'GET') !== 'GET',
        retryAfterMs: cause.retryAfterMs,
        cause,
      })
    }
  }
}

/** What a refused REST call means; an answer that cannot be read says nothing about what was done. */
function kindOf({ kind, status }: HttpError): ProviderErrorKind {
  if (kind !== 'status' || status === null || status === 408 || status >= 500) return 'transient'
  if (status === 429) return 'rate_limited'
  if (status === 401 || status === 403) return 'auth'
  if (status === 404 || status === 410) return 'not_found'
  return status === 409 ? 'conflict' : 'permanent'
}

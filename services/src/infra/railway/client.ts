import { HttpError, requestJson } from '@convos/kit'
import { z } from 'zod'
import { RAILWAY_MUTATION, RAILWAY_QUERY } from '../../limits.ts'
import type { CountRequest } from '../../metrics.ts'
import { ProviderError } from '../errors.ts'
import { classify } from './classify.ts'
import type { Operation } from './operations.ts'

export interface RailwayClientOptions {
  url: string
  token: string
  count: CountRequest
}

export type RailwayClient = <S extends z.ZodType>(operation: Operation<S>, variables: object) => Promise<z.output<S>>

const Envelope = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string() })).optional(),
})

/** One request per call; a refusal in any of Railway's disguises becomes a ProviderError. */
export function createRailwayClient({ url, token, count }: RailwayClientOptions): RailwayClient {
  // without a query string Cloudflare's limits are far tighter
  const endpoint = `${url}?source=convos-agents`
  return async (operation, variables) => {
    const fail = (p: { status: number | null; message: string | null; retryAfterMs?: number | null; cause?: unknown }) => {
      const verdict = classify(p)
      count('railway', operation.name, verdict.kind)
      const words = operation.confidential && p.message ? `refused, ${verdict.kind} (status ${p.status})` : p.message
      return new ProviderError(words ?? `no usable answer (status ${p.status ?? 'none'})`, {
        provider: 'railway',
        operation: operation.name,
        ...verdict,
        // a query changes nothing, whatever became of it
        uncertain: verdict.uncertain && operation.mutation,
        retryAfterMs: p.retryAfterMs ?? null,
        cause: operation.confidential ? undefined : p.cause,
      })
    }
    const answer = await requestJson(endpoint, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'user-agent': 'convos-agents', 'x-source': 'convos-agents' },
      json: { query: operation.text, variables, operationName: operation.name },
      timeoutMs: operation.mutation ? RAILWAY_MUTATION : RAILWAY_QUERY,
      reply: Envelope,
    }).catch((cause: unknown) => {
      if (!(cause instanceof HttpError)) throw cause
      const message = Envelope.safeParse(cause.body).data?.errors?.[0]?.message ?? null
      throw fail({ status: cause.status, message, retryAfterMs: cause.retryAfterMs, cause })
    })
    const [error] = answer.data.errors ?? []
    if (error) throw fail({ status: answer.status, message: error.message })
    const data = operation.data.safeParse(answer.data.data)
    if (!data.success) throw fail({ status: answer.status, message: null, cause: data.error })
    count('railway', operation.name, 'ok')
    return data.data
  }
}

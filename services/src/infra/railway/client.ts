import { HttpError, requestJson } from '@convos/kit'
import { z } from 'zod'
import type { Gate } from '../../budget/gate.ts'
import { RAILWAY_MUTATION, RAILWAY_QUERY } from '../../limits.ts'
import { ProviderError } from '../errors.ts'
import { classify } from './classify.ts'
import type { Operations } from './generated/operations.ts'
import type { Operation } from './operations.ts'

export interface RailwayClientOptions {
  url: string
  token: string
  gate: Gate
}

export type RailwayClient = <N extends keyof Operations, S extends z.ZodType>(
  operation: Operation<N, S>,
  variables: Operations[N]['variables'],
) => Promise<z.output<S>>

const Envelope = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string() })).optional(),
})

/** One request per call; a refusal in any of Railway's disguises becomes a ProviderError. */
export function createRailwayClient({ url, token, gate }: RailwayClientOptions): RailwayClient {
  // without a query string Cloudflare's limits are far tighter
  const endpoint = `${url}?source=convos-agents`
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'convos-agents', 'x-source': 'convos-agents' }
  return (operation, variables) =>
    gate.pass(operation.countedAs, async () => {
      const answer = await requestJson(endpoint, {
        method: 'POST',
        headers,
        json: { query: operation.text, variables, operationName: operation.name },
        timeoutMs: operation.mutation ? RAILWAY_MUTATION : RAILWAY_QUERY,
        reply: Envelope,
      }).catch((cause: unknown) => {
        if (!(cause instanceof HttpError)) throw cause
        const message = Envelope.safeParse(cause.body).data?.errors?.[0]?.message ?? null
        throw failure(operation, { status: cause.status, message, retryAfterMs: cause.retryAfterMs, cause })
      })
      const { status, data: envelope } = answer
      const [error] = envelope.errors ?? []
      if (error) throw failure(operation, { status, message: error.message })
      const data = operation.data.safeParse(envelope.data)
      if (!data.success) throw failure(operation, { status, message: null, cause: data.error })
      return data.data
    })
}

interface Failure {
  status: number | null
  message: string | null
  retryAfterMs?: number | null
  cause?: unknown
}

function failure({ name, mutation, confidential }: Operation, p: Failure): ProviderError {
  const { kind, uncertain } = classify(p)
  const words = confidential && p.message ? `refused, ${kind} (status ${p.status})` : p.message
  return new ProviderError(words ?? `no usable answer (status ${p.status ?? 'none'})`, {
    provider: 'railway',
    operation: name,
    kind,
    // a query changes nothing, whatever became of it
    uncertain: uncertain && mutation,
    retryAfterMs: p.retryAfterMs ?? null,
    cause: confidential ? undefined : p.cause,
  })
}

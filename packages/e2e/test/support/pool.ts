import { Agents, Claim, Counts, InstanceWithEvents, Operation, PoolStatus } from '@convos/pool/contract'
import { z } from 'zod'
import type { Descriptor } from '@convos/sandbox/descriptor'

export interface Answer {
  status: number
  headers: Headers
  body: unknown
}

/** The pool API as curl sees it: every answer, refused or not. */
export function poolClient({ poolUrl, poolApiKey }: Pick<Descriptor, 'poolUrl' | 'poolApiKey'>) {
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const res = await fetch(poolUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${poolApiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(100_000),
    })
    return { status: res.status, headers: res.headers, body: await res.json() }
  }
  return {
    call,
    claim: (body: unknown = {}, headers: Record<string, string> = {}) => call('POST', '/api/pool/claim', body, headers),
    counts: async () => Counts.parse((await call('GET', '/api/pool/counts')).body),
    agents: async () => Agents.parse((await call('GET', '/api/pool/agents')).body),
    status: async () => PoolStatus.parse((await call('GET', '/api/pool/status')).body),
    instance: async (id: string) => InstanceWithEvents.parse((await call('GET', `/api/pool/instances/${id}`)).body),
    claimed: (answer: Answer) => Claim.parse(answer.body),
    operation: (answer: Answer) => Operation.parse(answer.body),
  }
}

export type PoolClient = ReturnType<typeof poolClient>

export const problemCode = (answer: Answer) => z.object({ code: z.string() }).parse(answer.body).code

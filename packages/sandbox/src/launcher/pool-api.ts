import { z } from 'zod'

const Counts = z.object({
  provisioning: z.number(),
  idle: z.number(),
  claimed: z.number(),
  crashed: z.number(),
  stuck: z.number(),
})
export type Counts = z.infer<typeof Counts>

const Target = z.object({ minIdle: z.number() })

/** The few calls the launcher makes to the pool it has started. */
export function poolApi(url: string, key: string) {
  const call = async <S extends z.ZodType>(method: string, path: string, reply: S, body?: unknown): Promise<z.output<S>> => {
    const res = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5000),
    })
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}`)
    return reply.parse(await res.json())
  }
  return {
    ready: async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) })).ok,
    /** How many ready agents the pool keeps: so many from now on, or as many as before. */
    target: async (idle: number | undefined) => {
      const path = '/api/pool/settings'
      const settings = idle === undefined ? call('GET', path, Target) : call('PATCH', path, Target, { minIdle: idle })
      return (await settings).minIdle
    },
    counts: () => call('GET', '/api/pool/counts', Counts),
    loginCode: async () => (await call('POST', '/api/session/codes', z.object({ loginCode: z.string() }))).loginCode,
  }
}

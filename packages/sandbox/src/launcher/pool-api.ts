import { z } from 'zod'

const Counts = z.object({
  provisioning: z.number(),
  idle: z.number(),
  claimed: z.number(),
  crashed: z.number(),
  stuck: z.number(),
})
export type Counts = z.infer<typeof Counts>

/** The few calls the launcher makes to the pool it has started. */
export function poolApi(url: string, key: string) {
  const call = async <S extends z.ZodType>(method: string, path: string, reply: S): Promise<z.output<S>> => {
    const res = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(5000),
    })
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}`)
    return reply.parse(await res.json())
  }
  return {
    ready: async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) })).ok,
    counts: () => call('GET', '/api/pool/counts', Counts),
    loginCode: async () => (await call('POST', '/api/session/codes', z.object({ loginCode: z.string() }))).loginCode,
  }
}

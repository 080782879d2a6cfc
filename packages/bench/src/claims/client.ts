import { Agent, request } from 'node:http'
import { Claim, ProblemDocument } from '@convos/pool/contract'

/** What one caller saw of one claim. */
export interface Claimed {
  /** When it was asked for, ms on this process's clock. */
  began: number
  ms: number
  status: number
  instanceId: string | null
  /** Of a refusal. */
  code: string | null
}

/** Claims as a caller does, over connections that are kept; a failed connection counts as status 0. */
export function claimClient(poolUrl: string, key: string) {
  const url = new URL('/api/pool/claim', poolUrl)
  // the load stays on this machine whatever its name resolves to
  if (url.hostname !== 'localhost' && !url.hostname.startsWith('127.')) throw new Error(`${url.host} is not this machine`)
  url.hostname = '127.0.0.1'
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

  function send(body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve) => {
      const failed = (err: Error) => resolve({ status: 0, text: JSON.stringify({ code: err.message }) })
      const req = request(url, { agent, method: 'POST', headers, timeout: 70_000 }, (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('end', () => resolve({ status: res.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
        res.on('error', failed)
      })
      req.on('timeout', () => req.destroy(new Error('no answer')))
      req.on('error', failed)
      req.end(body)
    })
  }

  return {
    async claim(body: { waitMs?: number } = {}): Promise<Claimed> {
      const began = performance.now()
      const { status, text } = await send(JSON.stringify({ agentName: 'bench', ...body }))
      const ms = performance.now() - began
      const answer: unknown = JSON.parse(text)
      if (status === 200) return { began, ms, status, instanceId: Claim.parse(answer).instanceId, code: null }
      return { began, ms, status, instanceId: null, code: ProblemDocument.safeParse(answer).data?.code ?? null }
    },
    close: () => agent.destroy(),
  }
}

export type ClaimClient = ReturnType<typeof claimClient>

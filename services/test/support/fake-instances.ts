import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Health } from '@convos/agent-server/contract'

/** What an instance answers; null never answers. */
export type Answer = { status: number; body: unknown; headers?: Record<string, string> } | null
export interface FakeInstance {
  health: Answer | (() => Promise<Answer>)
  /** Decides about everything else. */
  respond(request: { method: string; path: string; body: unknown; authorization: string | undefined }): Answer
  seen: { method: string; path: string; body: unknown; authorization: string | undefined; traceparent: unknown }[]
}

export const healthy = (over: Partial<Health> = {}): Answer => ({
  status: 200,
  body: {
    ready: true,
    clean: true,
    version: '1.0.0',
    binding: 'none',
    conversationId: null,
    inviteUrl: null,
    claimId: null,
    lastActivityAt: null,
    ...over,
  } satisfies Health,
})

/** Many instances behind one port, told apart by the loopback address they are called by. */
export async function fakeInstances() {
  const instances = new Map<string, FakeInstance>()
  const answer = (res: ServerResponse, given: Answer) => {
    if (!given) return
    res.writeHead(given.status, { 'content-type': 'application/json', ...given.headers })
    res.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body))
  }
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const instance = instances.get(req.headers.host ?? '')
    if (!instance) {
      req.socket.destroy()
      return
    }
    const { authorization, traceparent } = req.headers
    const request = { method: req.method ?? '', path: req.url ?? '', body: await read(req), authorization }
    instance.seen.push({ ...request, traceparent })
    const { health } = instance
    if (request.path !== '/pool/health') answer(res, instance.respond(request))
    else answer(res, typeof health === 'function' ? await health() : health)
  }
  const server = createServer((req, res) => void serve(req, res))
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  let last = 0
  return {
    /** A loopback address that leads here and is nobody's yet. */
    newDomain() {
      last++
      return `127.0.${1 + Math.floor(last / 250)}.${1 + (last % 250)}:${port}`
    },
    at(domain: string): FakeInstance {
      const instance = instances.get(domain) ?? { health: null, respond: () => null, seen: [] }
      instances.set(domain, instance)
      return instance
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

async function read(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  return text ? (JSON.parse(text) as unknown) : null
}

/** A balancer as platforms have one: requests go round the replicas whose /readyz says yes. */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '@convos/sandbox/testing'

/** How often each replica is asked. */
const ASK_EVERY_MS = 100

export interface Balancer {
  url: string
  /** Returns once the replica is sent requests. */
  add(replicaUrl: string): Promise<void>
  /** It is sent no more; what it has been sent goes on. */
  remove(replicaUrl: string): void
  close(): Promise<void>
}

export async function startBalancer(): Promise<Balancer> {
  const isReady = new Map<string, boolean>()
  const agent = new Agent({ keepAlive: true })
  let turn = 0

  async function ask(replica: string): Promise<void> {
    const ok = await fetch(`${replica}/readyz`, { signal: AbortSignal.timeout(3_000) }).then(
      (res) => res.ok,
      () => false,
    )
    if (isReady.has(replica)) isReady.set(replica, ok)
  }

  /** Passes over replicas that cannot be reached: nothing was sent to them. */
  async function pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = Buffer.concat(await req.toArray())
    const candidates = [...isReady].flatMap(([replica, ok]) => (ok ? [replica] : []))
    const first = turn++
    for (let n = 0; n < candidates.length; n++) {
      const replica = candidates[(first + n) % candidates.length] ?? ''
      try {
        return await forward(replica, body, req, res)
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw err
        isReady.set(replica, false)
      }
    }
    res.writeHead(502).end('no replica is ready')
  }

  const forward = (replica: string, body: Buffer, req: IncomingMessage, res: ServerResponse) =>
    new Promise<void>((resolve, reject) => {
      const { 'transfer-encoding': _chunked, ...headers } = req.headers
      const options = { agent, method: req.method, headers: { ...headers, 'content-length': body.length } }
      const passed = request(`${replica}${req.url}`, options, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res).once('finish', resolve).once('error', reject)
      })
      passed.once('error', reject)
      res.once('close', () => passed.destroy())
      passed.end(body)
    })

  const server = createServer((req, res) => {
    pass(req, res).catch((err: unknown) => {
      if (!res.headersSent) res.writeHead(502)
      res.end(String(err))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const asking = setInterval(() => [...isReady.keys()].map(ask), ASK_EVERY_MS)

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async add(replica) {
      isReady.set(replica, false)
      await eventually(`${replica} is ready`, () => isReady.get(replica), { timeoutMs: 60_000 })
    },
    remove: (replica) => void isReady.delete(replica),
    async close() {
      clearInterval(asking)
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

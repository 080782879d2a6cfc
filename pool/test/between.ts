import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands between a caller and a pool: lets everything through, but for the call that a test wants to stop at. */
export interface Between extends AsyncDisposable {
  url: string
  /** Everything that was asked for, as `METHOD /path`. */
  asked: string[]
  /** The next call that matches gets no answer, `before` it reaches the pool or `after` its effect; resolves once it hangs. */
  hangAt(call: RegExp, when: 'before' | 'after'): Promise<void>
  /** From now on calls that match are cut off; null: none. */
  cut: RegExp | null
}

export async function standBetween(target: string): Promise<Between> {
  let trap: { call: RegExp; when: 'before' | 'after'; hangs: () => void } | null = null
  const server = createServer((req, res) => {
    const call = `${req.method} ${req.url}`
    between.asked.push(call)
    const caught = trap?.call.test(call) === true ? trap : null
    if (caught) trap = null
    if (caught?.when === 'before') return caught.hangs()
    if (between.cut?.test(call)) return void req.socket.destroy()
    void pass(req).then(
      ({ status, headers, body }) => (caught ? caught.hangs() : res.writeHead(status, headers).end(body)),
      () => req.socket.destroy(),
    )
  })

  async function pass(req: IncomingMessage) {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const { authorization, 'content-type': type, 'idempotency-key': key } = req.headers
    const headers = Object.entries({ authorization, 'content-type': type, 'idempotency-key': key })
    const answer = await fetch(target + req.url, {
      method: req.method ?? 'GET',
      headers: headers.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]])),
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    })
    const body = Buffer.from(await answer.arrayBuffer())
    return { status: answer.status, headers: { 'content-type': answer.headers.get('content-type') ?? 'text/plain' }, body }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const between: Between = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    cut: null,
    hangAt: (call, when) => new Promise((resolve) => (trap = { call, when, hangs: resolve })),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return between
}

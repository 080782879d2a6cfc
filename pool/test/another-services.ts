import { buffer } from 'node:stream/consumers'
import { listen } from '@convos/kit'

interface Reply {
  status: number
  body: unknown
}

export interface AnotherServices extends AsyncDisposable {
  url: string
  /** What is behind it; until then it is not there. */
  target: string | null
}

const PASSED = ['authorization', 'content-type', 'x-environment', 'x-request-id']

/** Stands before services and makes another version of it: `change` gets each call (`GET /image`) and what it is answered. */
export async function startAnotherServices(change: (call: string, reply: Reply) => Reply): Promise<AnotherServices> {
  const listening = await listen(
    (req, res) => {
      void answer(req.method ?? '', req.url ?? '').catch(() => res.destroy())

      async function answer(method: string, path: string): Promise<void> {
        const sent = await buffer(req)
        if (another.target === null) return void res.writeHead(503).end()
        const leaving = new AbortController()
        res.once('close', () => leaving.abort())
        const reply = await fetch(`${another.target}${path}`, {
          method,
          headers: PASSED.flatMap((name): [string, string][] => {
            const value = req.headers[name]
            return typeof value === 'string' ? [[name, value]] : []
          }),
          signal: leaving.signal,
          ...(sent.length > 0 ? { body: sent } : {}),
        })
        const given = { status: reply.status, body: await reply.json() }
        const { status, body } = change(`${method} ${path.split('?')[0]}`, given)
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }
    },
    0,
    '127.0.0.1',
  )
  const another: AnotherServices = {
    url: `http://127.0.0.1:${listening.port}`,
    target: null,
    [Symbol.asyncDispose]: () => listening.close(0),
  }
  return another
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { eventually } from '../../src/testing/index.ts'

/** One webhook as it came: what is signed is the raw body. */
interface Received {
  path: string
  headers: Record<string, string>
  body: string
}

export type WebhookReceiver = Awaited<ReturnType<typeof receiveWebhooks>>

/** Takes webhooks; `answer` decides by path with which status. */
export async function receiveWebhooks(answer: (path: string) => number = () => 200) {
  const received: Received[] = []
  const take = async (req: IncomingMessage, res: ServerResponse) => {
    const path = req.url ?? ''
    const headers = Object.entries(req.headers).map(([name, value]) => [name, String(value)])
    received.push({ path, headers: Object.fromEntries(headers), body: await text(req) })
    res.writeHead(answer(path)).end()
  }
  const server = createServer((req, res) => void take(req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    /** The first so many, once they have come. */
    async first(count: number): Promise<Received[]> {
      await eventually(`${count} webhooks`, () => received.length >= count)
      return received.slice(0, count)
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

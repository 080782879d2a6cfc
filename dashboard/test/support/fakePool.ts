import type { FeedMessage } from '@convos/pool/contract'
import { vi } from 'vitest'
import { aSession, aStatus } from './data.ts'
import { aQuietHour, aTick, settings } from './supply.ts'

interface Asked {
  method: string
  path: string
  body: unknown
  headers: Headers
}

interface Answer {
  status?: number
  body?: unknown
  headers?: Record<string, string>
}

export type Handler = (asked: Asked) => Answer | Promise<Answer>

/** A pool at the edge of the browser: `fetch` answers from a table of `METHOD path`, with its query or for any, which a test may change. */
export function fakePool(routes: Record<string, Handler> = {}) {
  const table: Record<string, Handler> = {
    'GET /version': () => ({ body: { version: '0.1.0', commit: 'abc', environment: 'staging', deployment: 'd' } }),
    'GET /api/session': () => ({ body: aSession() }),
    'GET /api/pool/status': () => ({ body: aStatus([]) }),
    'GET /api/pool/instances': () => ({ body: { instances: [], nextCursor: null } }),
    'GET /api/pool/operations': () => ({ body: { operations: [] } }),
    'GET /api/pool/stats?window=1h': () => ({ body: aQuietHour() }),
    'GET /api/pool/settings': () => ({ body: settings() }),
    'GET /api/pool/images': () => ({ body: { wanted: null, images: [] } }),
    'GET /api/pool/alerts': () => ({ body: { firing: [], resolved: [] } }),
    'GET /api/pool/tick': () => ({ body: aTick() }),
    'GET /api/pool/providers': () => ({ body: { providers: [] } }),
    'GET /api/templates': () => ({ body: { templates: [], truncated: false } }),
    'GET /api/tools': () => ({ body: { tools: [] } }),
    ...routes,
  }
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>()
  const listen = ({ signal }: RequestInit) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.add(controller)
        signal?.addEventListener('abort', () => {
          if (streams.delete(controller)) controller.error(signal.reason)
        })
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  let cursor = 0
  const write = (text: string) => {
    for (const stream of streams) stream.enqueue(new TextEncoder().encode(text))
  }
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const request: Asked = {
      method: init.method ?? 'GET',
      path: url,
      body: typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
      headers: new Headers(init.headers),
    }
    asked.push(request)
    const handler = table[`${request.method} ${url}`] ?? table[`${request.method} ${url.split('?')[0]}`]
    if (!handler && url === '/api/pool/events') return listen(init)
    if (!handler) throw new Error(`the test does not expect ${request.method} ${url}`)
    const { status = 200, body, headers = {} } = await Promise.race([handler(request), given(init.signal)])
    return new Response(body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers })
  })
  return {
    on: (route: string, handler: Handler) => {
      table[route] = handler
    },
    off: (route: string) => {
      delete table[route]
    },
    /** Tells everybody who listens. */
    tell: (...messages: FeedMessage[]) =>
      write(messages.map(({ event, data }) => `event: ${event}\ndata: ${JSON.stringify(data)}\nid: 1-${++cursor}\n\n`).join('')),
    /** Ends every stream in good order. */
    endStreams: (retryMs: number) => {
      write(`retry: ${retryMs}\n\n`)
      for (const stream of streams) stream.close()
      streams.clear()
    },
    /** Breaks every stream off. */
    cutOff: () => {
      for (const stream of streams) stream.error(new TypeError('terminated'))
      streams.clear()
    },
    /** What was asked of one route, oldest first. */
    asked: (route: string) =>
      asked.filter(({ method, path }) => [path, path.split('?')[0]].some((one) => `${method} ${one}` === route)),
  }
}

/** Fails once the request is given up, which an answer that never comes waits for. */
const given = (signal: AbortSignal | null | undefined) =>
  new Promise<never>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))

/** Nobody listens. */
export const noAnswer: Handler = () => Promise.reject(new TypeError('fetch failed'))

/** An answer that comes when the test says so. */
export function heldAnswer() {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  return { handler: () => promise, release: resolve }
}

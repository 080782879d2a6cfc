import { vi } from 'vitest'
import { aSession, aStatus } from './data.ts'

interface Asked {
  method: string
  path: string
  body: unknown
  headers: Headers
}

interface Answer {
  status?: number
  body?: unknown
}

type Handler = (asked: Asked) => Answer | Promise<Answer>

/** A pool at the edge of the browser: `fetch` answers from a table of `METHOD path`, which a test may change at any time. */
export function fakePool(routes: Record<string, Handler> = {}) {
  const table: Record<string, Handler> = {
    'GET /version': () => ({ body: { version: '0.1.0', commit: 'abc', environment: 'staging' } }),
    'GET /api/session': () => ({ body: aSession() }),
    'GET /api/pool/status': () => ({ body: aStatus([]) }),
    ...routes,
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
    const handler = table[`${request.method} ${url}`]
    if (!handler) throw new Error(`the test does not expect ${request.method} ${url}`)
    const { status = 200, body } = await handler(request)
    return new Response(body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body), { status })
  })
  return {
    on: (route: string, handler: Handler) => {
      table[route] = handler
    },
    /** What was asked of one route, oldest first. */
    asked: (route: string) => asked.filter(({ method, path }) => `${method} ${path}` === route),
  }
}

/** Nobody listens. */
export const noAnswer: Handler = () => Promise.reject(new TypeError('fetch failed'))

/** An answer that comes when the test says so. */
export function heldAnswer() {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  return { handler: () => promise, release: resolve }
}

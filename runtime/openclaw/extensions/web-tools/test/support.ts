import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { scoped, temporaryFolder } from '@convos/sandbox/testing'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import type { AgentTool, HttpRoute, PluginApi } from '../src/plugin-api.ts'
import { register } from '../src/register.ts'

export const GATEWAY_TOKEN = 'a-gateway-token-of-this-box'
export const SERVICES_TOKEN = 'a-services-token-of-this-box'
export const INSTANCE = 'abcdefghijkl'
export const START = new Date('2026-03-01T12:00:00Z')

/** Serves until the test is over. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Request {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: unknown
}
export type Reply = [status: number, body: unknown, headers?: Record<string, string>] | null

/** Somebody who is asked over HTTP and answers as told: null is no answer at all. */
export async function standIn(answer: (req: Request) => Reply) {
  const requests: Request[] = []
  const url = await serve((req, res) => {
    void (async () => {
      const body: unknown = await json(req).catch(() => null)
      const request = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body }
      requests.push(request)
      const reply = answer(request)
      if (reply === null) return res.destroy()
      return res.writeHead(reply[0], { 'content-type': 'application/json', ...reply[2] }).end(JSON.stringify(reply[1]))
    })()
  })
  return { url, requests }
}

/** As the gateway loads the extension, with these variables and this time. */
export async function gateway(given: Record<string, string> = {}) {
  const stateDir = scoped(temporaryFolder('web-tools')).path
  const tools = new Map<string, AgentTool>()
  const routes: HttpRoute[] = []
  const warnings: string[] = []
  const api: PluginApi = {
    logger: { warn: (message) => void warnings.push(message) },
    registerTool: (tool) => void tools.set(tool.name, tool),
    registerHttpRoute: (route) => void routes.push(route),
    runtime: { state: { resolveStateDir: () => stateDir } },
  }
  let now = START
  let vars: Record<string, string> = { OPENCLAW_GATEWAY_TOKEN: GATEWAY_TOKEN }
  register(api, { vars: () => vars, now: () => now })

  const url = await serve((req, res) => void routes[0]?.handler(req, res))
  vars = { ...vars, RAILWAY_PUBLIC_DOMAIN: new URL(url).host, ...given }
  return {
    url,
    stateDir,
    tools,
    routes,
    warnings,
    setVars: (over: Record<string, string>) => void (vars = over),
    moveTo: (at: Date) => void (now = at),
    /** What the agent reads; `ok` says whether it worked. */
    async use(name: string, params: object = {}): Promise<{ text: string; ok: boolean }> {
      const result = await tools.get(name)?.execute('call', params)
      return { text: result?.content.map(({ text }) => text).join('') ?? '', ok: result?.details.ok ?? false }
    },
  }
}
export type Gateway = Awaited<ReturnType<typeof gateway>>

/** The first link in what a tool says. */
export const linkIn = (text: string) => /http\S+/.exec(text)?.[0] ?? ''

export const manifest = z
  .object({ id: z.string(), contracts: z.object({ tools: z.array(z.string()) }) })
  .parse(JSON.parse(readFileSync(new URL('../openclaw.plugin.json', import.meta.url), 'utf8')))

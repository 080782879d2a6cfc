import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from '@convos/kit/server'
import { createProxyServer } from 'httpxy'
import type { Limits } from '../../limits.ts'
import { refuseUpgrade } from '../upgrade.ts'

/** Of one connection only (RFC 9110 §7.6.1); what `Connection` names besides is removed as well. */
const HOP_BY_HOP = ['proxy-connection', 'keep-alive', 'te', 'trailer', 'proxy-authorization', 'proxy-authenticate', 'expect']

class TooLate extends Error {
  override name = 'TooLate'
  override message = 'nothing came for too long'
}

export interface GatewayProxy {
  request: RequestListener
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Hands requests and WebSockets on to the gateway as they come; `port` is null while none runs. */
export function gatewayProxy(p: { port: () => number | null; log: Logger; limits: Limits }): GatewayProxy {
  const { log, limits } = p
  // a connection for each request: one that was kept may be closing in the moment in which it is used again
  const proxy = createProxyServer({ upgradeTimeout: limits.proxyUpgradeMs, agent: false })
  proxy.on('proxyRes', (answered) => delete answered.headers.connection)
  proxy.on('proxyReq', (asked) => asked.setTimeout(limits.proxyIdleMs, () => asked.destroy(new TooLate())))
  const fail = (err: unknown, res: ServerResponse) => {
    log.warn({ reason: err instanceof Error ? err.message : err }, 'the gateway did not answer a request')
    if (res.headersSent) res.destroy()
    else if (err instanceof TooLate) refuse(res, 504, 'GATEWAY_TIMEOUT')
    else refuse(res, 502, 'BAD_GATEWAY')
  }
  return {
    request(req, res) {
      const port = p.port()
      if (port === null) return refuse(res, 503, 'GATEWAY_STARTING')
      dropHopByHop(req)
      if (!isLocal(req)) addForwarded(req)
      proxy.web(req, res, { target: `http://127.0.0.1:${port}` }).catch((err: unknown) => fail(err, res))
    },
    upgrade(req, socket, head) {
      const port = p.port()
      if (port === null || !(socket instanceof Socket)) return refuseUpgrade(socket, '503 Service Unavailable')
      // as from this machine: who has the gateway's token is its owner, whose browser needs nobody else's approval then
      dropForwarded(req)
      proxy.ws(req, socket, { target: `http://127.0.0.1:${port}`, changeOrigin: true }, head).catch((err: unknown) => {
        log.warn({ reason: err instanceof Error ? err.message : err }, 'the gateway did not take a WebSocket')
        refuseUpgrade(socket, '502 Bad Gateway')
      })
    },
  }
}

/** Somebody on this machine, who asks for nobody else. */
const isLocal = ({ headers, socket: { remoteAddress = '' } }: IncomingMessage) =>
  headers['x-forwarded-for'] === undefined && /^(::1|(::ffff:)?127\..*)$/.test(remoteAddress)

/** Behind what the proxies before us say, who asked us. */
function addForwarded({ headers, socket }: IncomingMessage): void {
  const before = headers['x-forwarded-for']
  headers['x-forwarded-for'] = [...(before === undefined ? [] : [before]), socket.remoteAddress].flat().join(', ')
  headers['x-forwarded-host'] ??= headers.host ?? ''
  headers['x-forwarded-proto'] ??= 'http'
}

function dropForwarded({ headers }: IncomingMessage): void {
  for (const name of Object.keys(headers)) if (/^(x-forwarded-.*|x-real-ip|forwarded|via)$/.test(name)) delete headers[name]
}

function dropHopByHop({ headers }: IncomingMessage): void {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  for (const name of [...HOP_BY_HOP, ...named]) if (name !== 'connection' && name !== 'upgrade') delete headers[name]
  delete headers.connection
}

const TITLES = { 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' } as const

function refuse(res: ServerResponse, status: keyof typeof TITLES, code: string): void {
  const body = {
    type: 'about:blank',
    title: TITLES[status],
    status,
    code,
    detail: 'the agent’s gateway does not answer right now',
  }
  res.writeHead(status, { 'content-type': 'application/problem+json', ...(status === 503 && { 'retry-after': '5' }) })
  res.end(JSON.stringify(body))
}

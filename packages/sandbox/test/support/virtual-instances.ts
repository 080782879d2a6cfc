import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { RailwayOptions } from '../../src/simulators/railway/index.ts'
import { startRailway } from './railway-api.ts'

const Body = z.record(z.string(), z.unknown())

const secret = () => randomBytes(16).toString('hex')

/** A call to an instance's own API; its body is `{}` when there is none that is JSON. */
export async function callInstance(
  domain: string,
  method: string,
  path: string,
  p: { token?: string | null; body?: unknown } = {},
) {
  const response = await fetch(`http://${domain}${path}`, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...(p.token && { authorization: `Bearer ${p.token}` }) },
    ...(p.body !== undefined && { body: typeof p.body === 'string' ? p.body : JSON.stringify(p.body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: Body.catch({}).parse(parsed(text)) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export type VirtualRailway = Awaited<ReturnType<typeof startVirtual>>

/** The Railway simulator with virtual instances. */
export async function startVirtual(options: RailwayOptions & { stateFile?: string; port?: number } = {}) {
  const api = await startRailway({ host: 'virtual', ...options })

  /** An instance that is being deployed, with what services would give it. */
  async function begin(instanceId: string, variables: Record<string, string> = {}, deploy: Record<string, unknown> = {}) {
    const shell = await api.createShell({ name: instanceId, description: `convos:d1:dev:${instanceId}` })
    const token = secret()
    const given = {
      INSTANCE_ID: instanceId,
      INSTANCE_CONTROL_TOKEN: token,
      OPENCLAW_GATEWAY_TOKEN: secret(),
      OPENROUTER_API_KEY: secret(),
      ...variables,
    }
    const redeploy = (more: Record<string, string> = {}) =>
      api.patch(shell, { ...given, ...more }, { healthcheckPath: '/pool/health', ...deploy })
    await redeploy()
    const call = (method: string, path: string, body?: unknown) => callInstance(shell.domain, method, path, { token, body })
    const provision = (claimId: string, more: object = {}) =>
      call('POST', '/pool/provision', { claimId, agentName: 'Ada', instructions: 'Be kind.', ...more })
    const health = async () => (await call('GET', '/pool/health')).body
    const up = () => api.deployed(shell, 'SUCCESS', 'RUNNING')
    return { instanceId, shell, token, call, provision, health, redeploy, up }
  }
  /** One that is up. */
  async function instance(instanceId = 'abc123def456', variables?: Record<string, string>) {
    const begun = await begin(instanceId, variables)
    await begun.up()
    return begun
  }
  const control = (method: string, path: string, body?: unknown) =>
    fetch(`${api.url}/_control/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const addFault = (effect: object, match: object = {}, times?: number) =>
    api.faults.add({ provider: 'railway', match, effect, ...(times !== undefined && { times }) })
  return { ...api, begin, instance, control, addFault }
}

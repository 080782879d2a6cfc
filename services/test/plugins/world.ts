import { randomBytes } from 'node:crypto'
import { type FaultRule, type SimulatorServer, startSimulators } from '@convos/sandbox'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { z } from 'zod'
import type { CreatedResource, ResourceKind, ToolPlugin } from '../../src/registry.ts'
import { NotYet } from '../../src/saga.ts'

export type Provider = 'openrouter' | 'agentmail' | 'telnyx' | 'bankr'
const BASE: Record<Provider, string> = {
  openrouter: '/openrouter/api/v1',
  agentmail: '/agentmail/v0',
  telnyx: '/telnyx/v2',
  bankr: '/bankr',
}

const Resources = z.record(
  z.string(),
  z.record(
    z.string(),
    z.array(z.looseObject({ id: z.string(), name: z.string().nullable(), instanceId: z.string().nullable() })),
  ),
)
type Listed = z.output<typeof Resources>[string][string]

export const newId = () => randomBytes(6).toString('hex')
export const keyOf = (instanceId: string, generation = 1) =>
  `convos:0a1b2c3d:dev:${instanceId}${generation === 1 ? '' : `:${generation}`}`

export type World = ReturnType<typeof useProvider>

/** One provider's simulator for all tests of a file, empty before each. */
export function useProvider(provider: Provider) {
  let sim: SimulatorServer
  beforeAll(async () => {
    sim = await startSimulators()
  })
  afterAll(() => sim.close())
  beforeEach(async () => {
    await fetch(`${sim.url}/_control`, { method: 'DELETE' })
  })

  async function ask(method: string, path: string, json: unknown, headers: Record<string, string>): Promise<unknown> {
    const res = await fetch(`${sim.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`)
    return text === '' ? null : JSON.parse(text)
  }

  return {
    provider,
    url: () => `${sim.url}${BASE[provider]}`,
    /** Somebody else's request, or a person's. */
    request: (
      method: string,
      path: string,
      json?: unknown,
      headers: Record<string, string> = { authorization: 'Bearer person' },
    ) => ask(method, `${BASE[provider]}${path}`, json, headers),
    set: (settings: object) => ask('PATCH', `/_control/${provider}/settings`, settings, {}),
    fault: (rule: Omit<FaultRule, 'provider'>) => sim.faults.add({ provider, ...rule }),
    mend: () => sim.faults.clear(),
    later: (ms: number) => sim.clock.advance(ms),
    now: () => sim.clock.now(),
    /** How often something was asked for. */
    asked: (method: string, path: RegExp) =>
      sim.requests.list({ provider }).filter((each) => each.method === method && path.test(each.path)).length,
    async resources(): Promise<Record<string, Listed>> {
      return Resources.parse(await ask('GET', '/_control/resources', undefined, {}))[provider] ?? {}
    },
    /** Comes back whenever it is told to, as a runner does. */
    async settled<T>(work: () => Promise<T>): Promise<T> {
      for (let visit = 0; visit < 40; visit++) {
        try {
          return await work()
        } catch (err) {
          if (!(err instanceof NotYet)) throw err
          sim.clock.advance(err.ms)
        }
      }
      throw new Error('never came to an end')
    },
  }
}

/** Makes a tool's resources, or makes them again, in the way that a runner does. */
export async function makeAll(world: World, plugin: ToolPlugin, instanceId: string, options: { again?: boolean } = {}) {
  const key = keyOf(instanceId)
  const made: Record<string, string> = {}
  const created: Record<string, CreatedResource> = {}
  for (const resource of plugin.resources) {
    const one = await makeOne(world, resource, { instanceId, key, made }, options)
    made[resource.kind] = one.resourceId
    created[resource.kind] = one
  }
  return created
}

export async function makeOne(
  world: World,
  resource: ResourceKind,
  request: Parameters<ResourceKind['create']>[0],
  { again = false } = {},
): Promise<CreatedResource> {
  if (again && resource.repeat === 'replace')
    for (const id of await resource.find(request.key)) await world.settled(() => resource.destroy(id))
  return world.settled(() => resource.create({ ...request, made: { ...request.made } }))
}

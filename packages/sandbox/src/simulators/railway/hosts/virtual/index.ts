import { randomInt } from 'node:crypto'
import type { Server } from 'node:http'
import { z } from 'zod'
import type { SimContext } from '../../../core/simulator.ts'
import type { Latencies } from '../../settings.ts'
import { answersOk } from '../healthcheck.ts'
import { type InstanceHost, INSTANCE_PORTS } from '../host.ts'
import { loopbackAddress } from './addresses.ts'
import { virtualApi } from './api.ts'
import { startInstance, type VirtualInstance } from './instance.ts'
import { listenOn, virtualEdge } from './listener.ts'
import { emptyVolume, Volume } from './model.ts'

const Stored = z.object({ port: z.int().nullable(), volumes: z.record(z.string(), Volume) })

export interface VirtualHostOptions {
  /** Of every instance; absent: a free one, drawn when the first instance needs it. */
  port?: number | undefined
  latencies: () => Latencies
}

/**
 * Thousands of instances within this process: one listener, a loopback address for each (127.x.y.z, which Linux has without
 * being asked), memory in place of volumes.
 */
export function virtualHost(ctx: SimContext, { port: wanted, latencies }: VirtualHostOptions): InstanceHost {
  const { clock } = ctx
  /** By IP address. */
  const instances = new Map<string, VirtualInstance>()
  /** By project and volume, or container. */
  const volumes = new Map<string, Volume>()
  let port = wanted ?? null
  let nextAddress = 0
  let listening: Promise<Server> | null = null

  const app = virtualApi((req) => {
    const instance = instances.get(req.socket.localAddress ?? '')
    if (!instance) throw new Error('the instance is gone')
    return instance
  }, clock)

  async function open(): Promise<Server> {
    const server = virtualEdge(instances, app)
    for (let tries = 0; tries < 100; tries++) {
      const candidate = port ?? randomInt(INSTANCE_PORTS.from, INSTANCE_PORTS.to + 1)
      if (await listenOn(server, candidate)) {
        port = candidate
        return server
      }
      if (port !== null) break
    }
    throw new Error(`the virtual instances' port ${port ?? ''} is in use`)
  }
  const listen = () => (listening ??= open())

  function volumeAt(key: string): Volume {
    const volume = volumes.get(key) ?? emptyVolume()
    volumes.set(key, volume)
    return volume
  }
  const discard = (prefix: string) => {
    for (const key of volumes.keys()) if (key.startsWith(prefix)) volumes.delete(key)
  }

  return {
    name: 'virtual',
    lacks: () => false,
    async allot(taken) {
      await listen()
      for (;;) {
        const address = `${loopbackAddress(nextAddress++)}:${port}`
        if (!taken.has(address)) return address
      }
    },

    async launch(launch, log) {
      await listen()
      const { address, projectId, deploymentId, volumeId, instanceId } = launch
      const ip = address.split(':')[0] ?? ''
      const instance = startInstance({
        launch,
        volume: volumeAt(`${projectId}/${volumeId ?? deploymentId}`),
        clock,
        log,
        latencies,
        faults: (at, method, path) => ctx.striking('instance', { provider: 'railway', at, method, paths: [path], instanceId }),
        noteCall: ctx.noteInstanceCall,
        inviteUrl: (slug) => `${ctx.baseUrl()}/convos/v2?i=${slug}`,
      })
      instances.set(ip, instance)
      void instance.exited.then(() => instances.get(ip) === instance && instances.delete(ip))
      return {
        pid: null,
        exited: instance.exited,
        healthy: (path) => answersOk(`http://${address}${path}`),
        stop: async () => instance.stop(),
        sleep: (woken) => instance.sleep(woken),
      }
    },

    discardContainer: async (projectId, deploymentId) => discard(`${projectId}/${deploymentId}`),
    discardProject: async (projectId) => discard(`${projectId}/`),

    dump: (): z.infer<typeof Stored> => ({ port, volumes: Object.fromEntries(volumes) }),
    load(stored) {
      const state = Stored.parse(stored)
      port = state.port
      for (const [key, volume] of Object.entries(state.volumes)) volumes.set(key, volume)
    },

    async close() {
      const server = await listening?.catch(() => null)
      if (!server) return
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Two replicas of pool and two of services, each pair behind a balancer. */
import type { Part, Stack } from '@convos/sandbox/testing'
import { startBalancer } from './balancer.ts'
import { poolClient } from './pool.ts'

const PARTS = ['services', 'pool'] as const
type Name = (typeof PARTS)[number]

/** Longer than the balancer takes to hear that a replica is to stop. */
const SHUTDOWN_DELAY_MS = 1_000

export type Deployment = Awaited<ReturnType<typeof deploy>>

/** Starts them, of the code in `root`; nothing of the stack's own runs. */
export async function deploy(stack: Stack, root?: string) {
  const balancers = { services: await startBalancer(), pool: await startBalancer() }
  const replicas: Record<Name, Part[]> = { services: [], pool: [] }

  async function start(name: Name, of?: string): Promise<Part> {
    const env = { SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS), TICK_INTERVAL_MS: '1000', SERVICES_URL: balancers.services.url }
    const replica = await stack.replica(name, { env, ...(of ? { root: of } : {}) })
    await replica.start()
    await balancers[name].add(replica.url)
    return replica
  }

  for (const name of PARTS) for (const _ of [1, 2]) replicas[name].push(await start(name, root))

  return {
    api: poolClient({ poolUrl: balancers.pool.url, poolApiKey: stack.pool.apiKey }),

    /** Each one is told to stop while it is sent requests, and started again. */
    async restart() {
      for (const name of PARTS)
        for (const replica of replicas[name]) {
          await replica.stop()
          await replica.start()
          await balancers[name].add(replica.url)
        }
    },

    /** For each one a new one is started, of this code; once that is ready, the old one is sent nothing more, and told to stop. */
    async upgrade() {
      for (const name of PARTS)
        for (const old of replicas[name].splice(0)) {
          replicas[name].push(await start(name))
          balancers[name].remove(old.url)
          await old.stop()
        }
    },

    async close() {
      await Promise.all(PARTS.map((name) => balancers[name].close()))
    },
  }
}

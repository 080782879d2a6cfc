import { type BrowserContext, test as base } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { type PoolClient, poolClient } from './pool.ts'

/** What the pool keeps ready. */
export const IDLE = 4

interface Shared {
  idle: number
  /** One for all files of a worker: a start costs more than most tests. Its instances are simulated. */
  sandbox: RunningSandbox
  /** Another client of the pool, an operator. */
  pool: PoolClient
  session: Awaited<ReturnType<BrowserContext['storageState']>>
}

/** Tests whose pages are an operator's who has logged in, on the shared sandbox. */
export const test = base.extend<object, Shared>({
  idle: [IDLE, { scope: 'worker', option: true }],
  sandbox: [
    async ({ idle }, use) => {
      const sandbox = await startSandbox({ idle, instances: 'virtual' })
      await use(sandbox)
      await sandbox.interrupt()
      await sandbox.forget()
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  pool: [({ sandbox }, use) => use(poolClient(sandbox)), { scope: 'worker' }],
  session: [
    async ({ sandbox: { poolUrl, poolApiKey }, playwright }, use) => {
      const client = await playwright.request.newContext({ baseURL: poolUrl })
      await client.post('/api/session', { data: { key: poolApiKey } })
      await use(await client.storageState())
      await client.dispose()
    },
    { scope: 'worker' },
  ],
  storageState: ({ session }, use) => use(session),
  baseURL: ({ sandbox }, use) => use(sandbox.poolUrl),
})

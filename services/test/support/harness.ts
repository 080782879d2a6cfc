import { randomBytes } from 'node:crypto'
import { readMeta } from '@convos/kit'
import { createDatabase, eventually } from '@convos/sandbox/testing'
import { createApp } from '../../src/app.ts'
import { type Context, createContext } from '../../src/context.ts'
import { claimDueInstances } from '../../src/db/runner.ts'
import { migrateServices } from '../../src/db/migrate.ts'
import { type StatusRow, readStatus } from '../../src/db/status.ts'
import { wallet } from '../../src/plugins/wallet.ts'
import { createRegistry } from '../../src/registry.ts'
import { driveInstance } from '../../src/runner.ts'
import { testEnv } from './config.ts'
import { readConfig } from '../../src/config.ts'
import { fakeInfra } from './fake-infra.ts'
import { fakeInstances } from './fake-instances.ts'
import { fakeKeys, keyPlugin } from './fake-tool.ts'
import { withFaults, withInfraFaults } from './faults.ts'

export const IMAGE = `ghcr.io/acme/agent@sha256:${'a'.repeat(64)}`

/** A services database of its own. */
export const servicesDatabase = (postgresUrl: string) =>
  createDatabase(postgresUrl, {
    template: 'services',
    migrate: (url) => migrateServices({ url, environment: 'dev' }),
  })

export const newId = (): string => randomBytes(6).toString('hex')

/** Services on a real database, with everything outside it in memory, and no loop running. */
export async function createHarness(postgresUrl: string, over: Record<string, string> = {}) {
  const database = await servicesDatabase(postgresUrl)
  const config = readConfig(testEnv({ DATABASE_URL: database.url, ...over }))
  const instances = await fakeInstances()
  const infra = fakeInfra(() => instances.newDomain(), { everyMs: config.railway.projectIntervalMs })
  const { target: provider, faults: infraFaults } = withInfraFaults(infra.provider)
  const { keys, verbs } = fakeKeys()
  const { target: keyVerbs, faults: keyFaults } = withFaults(verbs)
  const tools = createRegistry()
  tools.register(keyPlugin(keyVerbs))
  tools.register(wallet)
  const base = createContext(config, { environment: 'dev', deploymentId: '00000000' })
  const meta = await readMeta(base.db)
  const ctx: Context = { ...base, infra: provider, tools }

  return {
    ctx,
    config,
    database,
    meta,
    infra,
    infraFaults,
    keys,
    keyFaults,
    instances,
    app: createApp(ctx, { retired: new AbortController().signal, stopping: new AbortController().signal }),
    headers: { authorization: `Bearer ${config.apiKeys[0]}`, 'x-environment': 'dev' },

    /** One pass of a runner over everything that is due; returns when all of it was given back. */
    async pass(runnerId = 'runner') {
      const due = [
        ...(await claimDueInstances(ctx.db, { runnerId, limit: 100, urgent: true })),
        ...(await claimDueInstances(ctx.db, { runnerId, limit: 100, urgent: false })),
      ]
      const never = new AbortController().signal
      await Promise.all(due.map((instanceId) => driveInstance(ctx, { instanceId, runnerId }, never)))
      return due
    },

    /** Passes until the instance has come to rest in `phase`; waits out backoffs by making it due. */
    async reach(instanceId: string, phase: StatusRow['phase'], passes = 12) {
      for (let i = 0; i < passes; i++) {
        await this.pass()
        const row = await this.row(instanceId)
        if (row.phase === phase && row.nextRunAt === null) return row
        await this.makeDue(instanceId)
      }
      throw new Error(`not ${phase} after ${passes} passes: ${JSON.stringify(await this.row(instanceId))}`)
    },

    /** Moves the database's clock, and waits until no connection is left that it cut. */
    async moveClock(ms: number) {
      await database.moveClock(ms)
      await eventually('every connection works', () =>
        Promise.all(Array.from({ length: ctx.db.idleCount + 1 }, () => ctx.db.query('select'))),
      )
    },

    /** Until somebody waits for a lock with this statement: the barrier of forced races. */
    waitForLock: (part: string) =>
      eventually(`"${part}" to wait for a lock`, async () => {
        const { rowCount } = await ctx.db.query(
          `select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0`,
          [part],
        )
        return rowCount === 1
      }),

    async makeDue(instanceId: string) {
      await ctx.db.query(
        `update instance_infra set next_run_at = clock_now() where instance_id = $1 and next_run_at is not null`,
        [instanceId],
      )
    },

    async row(instanceId: string): Promise<StatusRow> {
      const [row] = await readStatus(ctx.db, [instanceId])
      if (!row) throw new Error(`no row of ${instanceId}`)
      return row
    },

    async close() {
      await instances.close()
      await ctx.db.end()
      await database.drop()
    },
  }
}
export type Harness = Awaited<ReturnType<typeof createHarness>>

import { eventually } from '@convos/sandbox/testing'
import type { Health } from '@convos/agent-server/contract'
import request from 'supertest'
import { reconcile } from '../../src/reconcile/pass.ts'
import { STRAY_AGE, STRAY_SIGHTINGS_APART } from '../../src/limits.ts'
import { healthy } from '../support/fake-instances.ts'
import { createHarness, IMAGE, newId } from '../support/harness.ts'

/** Services with nothing running, and what it takes to make the ledger and the providers disagree. */
export async function createReconcileHarness(postgresUrl: string, over: Record<string, string> = {}) {
  const h = await createHarness(postgresUrl, over)
  const { ctx, infra, keys } = h
  const rows = async <R extends object>(text: string, values: unknown[] = []) => (await ctx.db.query<R>({ text, values })).rows

  const ownDatabase = () => rows(`update meta set deployment_id = '00000000'`)
  await ownDatabase()

  return {
    ...h,
    rows,

    /** A pass that acts, unless told otherwise. */
    reconcile: (p: { dryRun?: boolean; adopt?: string[] } = {}) => reconcile(ctx, { dryRun: false, adopt: [], ...p }),

    /** Everything happened so much longer ago: by default what a stray must outlive to be destroyed. */
    async growOld(ms = STRAY_AGE + STRAY_SIGHTINGS_APART) {
      for (const project of infra.projects) project.createdAt = new Date(project.createdAt.getTime() - ms)
      await rows(`update strays set first_seen_at = first_seen_at - $1::float8 * interval '1 ms'`, [ms])
      await rows(`update instance_events set at = at - $1::float8 * interval '1 ms'`, [ms])
      await rows(`update saga_log set started_at = started_at - $1::float8 * interval '1 ms'`, [ms])
      await rows(`update leases set until = until - $1::float8 * interval '1 ms'`, [ms])
    },

    /** The database says that it is of the deployment whose marker everything here carries. */
    ownDatabase,

    /** Nothing is anywhere. */
    async clear() {
      infra.projects.length = 0
      keys.clear()
      await rows('truncate instance_infra, instance_services, saga_log, strays, instance_events, leases, provider_slots')
    },

    /** A ledger row as a finished life would leave it. */
    async tombstone(): Promise<string> {
      const id = newId()
      await rows(
        `insert into instance_infra (instance_id, wish, phase, project_name, image, next_run_at)
          values ($1, 'absent', 'destroyed', $1, 'image', null)`,
        [id],
      )
      return id
    },

    /** A ledger row of an instance that runs somewhere. */
    async living(place: object = {}): Promise<string> {
      const id = newId()
      await rows(
        `insert into instance_infra (instance_id, phase, phase_since, project_name, image, place, next_run_at)
          values ($1, 'running', clock_now() - interval '1 hour', $1, 'image', $2, null)`,
        [id, JSON.stringify(place)],
      )
      return id
    },

    addKeyRow: (instanceId: string, state: string, resourceId: string | null, generation = 1) =>
      rows(
        `insert into instance_services (instance_id, tool_id, kind, state, resource_id, generation, created_at)
          values ($1, 'openrouter', 'key', $2, $3, $4, clock_now() - interval '1 hour')`,
        [instanceId, state, resourceId, generation],
      ),

    /** A place at the provider that no creation of ours left there. */
    async addPlace(marker: string) {
      const [step] = ctx.infra.ensure
      await step.create({ instanceId: '', name: 'a place', marker, since: new Date(), port: 8080, mountPath: '/data', place: {} })
      const project = infra.projects.at(-1)
      if (!project) throw new Error('nothing was made')
      return project
    },

    /** A key at the provider of keys. */
    addKey(name: string): string {
      const resourceId = `key-${keys.size + 1}-${newId()}`
      keys.set(resourceId, { resourceId, name, secret: newId() })
      return resourceId
    },

    /** An instance made by the saga, which answers whoever has its control token. */
    async create(health: Partial<Health> = {}) {
      const id = newId()
      await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: id, image: IMAGE }).expect(202)
      await h.reach(id, 'deploying')
      const project = infra.live().find(({ marker }) => marker === ctx.marker(id))
      const env = project?.applied[0]?.env ?? {}
      const box = h.instances.at(project?.domains[0] ?? '')
      box.respond = () => ({ status: 200, body: { ok: true } })
      const open = { status: 200, body: { ready: true, clean: true, version: '1.0.0' } }
      box.health = async () =>
        box.seen.at(-1)?.authorization === `Bearer ${env['INSTANCE_CONTROL_TOKEN']}` ? healthy(health) : open
      await rows(`update instance_infra set phase = 'running', claim_id = $2 where instance_id = $1`, [
        id,
        health.claimId ?? null,
      ])
      return { id, env, box }
    },

    /** Forces a race: `work` starts while a transaction with `changes` is open, which is committed once `work`'s statement waits for it. */
    async meanwhile<T>(changes: [text: string, values: unknown[]][], statement: string, work: () => Promise<T>): Promise<T> {
      const tx = await ctx.db.connect()
      try {
        await tx.query('begin')
        for (const [text, values] of changes) await tx.query(text, values)
        const working = work()
        await eventually(`"${statement}" to wait for a lock`, async () => {
          const waiting = await rows(
            `select from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0`,
            [statement],
          )
          return waiting.length > 0
        })
        await tx.query('commit')
        return await working
      } finally {
        tx.release(true)
      }
    },
  }
}
export type ReconcileHarness = Awaited<ReturnType<typeof createReconcileHarness>>

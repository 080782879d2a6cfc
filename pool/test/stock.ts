import { eventually } from '@convos/sandbox/testing'
import { imageOf } from './fake-services.ts'
import { countRows, type TestPool, testPool, trustImage } from './harness.ts'

/** Looks, and refills, as a tick would. */
export async function tickOnce({ parts }: TestPool): Promise<void> {
  await parts.fleet.look({})
  await parts.refill.topUp({ actor: 'pool', requestId: null })
}

/** Nothing is looked at unless a test does. */
export const STILL = {
  env: { TICK_INTERVAL_MS: '600000' },
  limits: { readyPollMs: 600_000, changesWaitMs: 25_000 },
  image: imageOf(1),
}

/** A pool whose stock is at its target, on a trusted image. */
export async function aFullPool(env: Record<string, string>): Promise<TestPool> {
  const pool = await testPool({ limits: STILL.limits, env: { ...STILL.env, ...env } })
  await trustImage(pool)
  await eventually('the stock', async () => {
    await tickOnce(pool)
    return (await countRows(pool.db, 'ready')) === Number(env['POOL_MIN_IDLE'])
  })
  return pool
}

export const readyIds = async ({ db }: TestPool): Promise<string[]> => {
  const { rows } = await db.query<{ id: string }>({ text: `select id from instances where status = 'ready'` })
  return rows.map(({ id }) => id)
}

export async function listImages(pool: TestPool) {
  const { body } = await pool.call('GET', '/api/pool/images')
  return body as { wanted: string; images: { image: string; state: string; breaker: string; failures: number; ready: number }[] }
}

/** Creations that services was asked for, each once, on this image. */
export function createdOn({ services }: TestPool, image: string): Set<string> {
  const bodies = services.called(/create-instance/).map(({ body }) => body as { instanceId: string; image?: string })
  return new Set(bodies.filter((body) => body.image === image).map(({ instanceId }) => instanceId))
}

export const countEvents = async ({ db }: TestPool, type: string): Promise<number> => {
  const { rowCount } = await db.query({ text: 'select 1 from instance_events where type = $1', values: [type] })
  return rowCount ?? 0
}

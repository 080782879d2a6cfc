import { type Database, type Queryable, type Transaction, withTransaction } from '@convos/kit'

export interface Refusal {
  instanceId: string
  code: string
  tool: string | null
  operation: string
}

/** Notes what an instance was refused; once for each instance, code and `everyMs`, whoever notes it. */
export const noteRefusal = (db: Database, refusal: Refusal, everyMs: number): Promise<void> =>
  withTransaction(db, async (tx) => {
    // a statement of its own: the next one's snapshot must show what the one before us wrote
    await lockRefusals(tx, refusal)
    await insertRefusal(tx, refusal, everyMs)
  })

async function lockRefusals(tx: Transaction, { instanceId, code }: Refusal): Promise<void> {
  await tx.query({
    name: 'lock_refusals',
    values: [`refused/${instanceId}/${code}`],
    text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
  })
}

async function insertRefusal(tx: Transaction, { instanceId, ...detail }: Refusal, everyMs: number): Promise<void> {
  await tx.query({
    name: 'insert_refusal',
    values: [instanceId, JSON.stringify(detail), everyMs],
    text: `
      insert into instance_events (instance_id, type, detail)
      select $1, 'refused', $2::jsonb
      where not exists (
        select from instance_events
        where instance_id = $1 and type = 'refused' and detail ->> 'code' = $2::jsonb ->> 'code'
          and at > clock_now() - $3::float8 * interval '1 ms')`,
  })
}

/** Forgets what is older than `keepMs`, so many at a time; how many there were. */
export async function pruneEvents(db: Queryable, p: { keepMs: number; batch: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_events',
    values: [p.keepMs, p.batch],
    text: `
      delete from instance_events where id in (
        select id from instance_events where at < (select clock_now() - $1::float8 * interval '1 ms') order by at limit $2)`,
  })
  return rowCount ?? 0
}

import type { Queryable } from '@convos/kit'

/** The present cursor: everything below it is committed, or never will be. */
export async function readCursor(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ cursor: string }>({
    name: 'read_cursor',
    text: 'select pg_snapshot_xmin(pg_current_snapshot())::text as cursor',
  })
  return rows[0]?.cursor ?? '0'
}

export interface ChangesRow {
  cursor: string
  reset: boolean
  instanceIds: string[]
}

/** What changed from `after` up to the new cursor; `reset` when that cannot be told any more, or `after` is not of this database. */
export async function readChanges(db: Queryable, after: string): Promise<ChangesRow> {
  const { rows } = await db.query<ChangesRow>({
    name: 'read_changes',
    values: [after],
    text: `
      with here as (select pg_current_snapshot() as snapshot)
      select pg_snapshot_xmin(snapshot)::text as cursor,
        ($1::xid8 > pg_snapshot_xmax(snapshot) or $1::xid8 < (select below from instance_changes_pruned)) as reset,
        array(
          select distinct c.instance_id from instance_changes c
          where c.txid >= $1::xid8 and c.txid < pg_snapshot_xmin(snapshot) order by 1) as "instanceIds"
      from here`,
  })
  if (!rows[0]) throw new Error('the changes could not be read')
  return rows[0]
}

/** Forgets changes older than `keepMs`; cursors below the newest forgotten one will be told to reset. */
export async function pruneChanges(db: Queryable, keepMs: number): Promise<void> {
  await db.query({
    name: 'prune_changes',
    values: [keepMs],
    text: `
      with pruned as (delete from instance_changes where at < (select clock_now() - $1::float8 * interval '1 ms') returning txid)
      update instance_changes_pruned p
      set below = greatest(p.below, ((newest.txid::text::numeric + 1)::text)::xid8)
      from (select max(txid) as txid from pruned) newest
      where newest.txid is not null`,
  })
}

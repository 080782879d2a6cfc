import type pg from 'pg'

/** A schema, and what its tables held when it was new. */
export interface Snapshot {
  schema: string
  tables: { name: string; rows: string }[]
}

/** Everything that a test could have changed besides rows. */
const SCHEMA = `
  select md5(coalesce(string_agg(entry, ' ' order by entry), '')) as schema from (
    select format('column %s %s %s %s', table_name, column_name, data_type, column_default) from information_schema.columns
      where table_schema = 'public'
    union all select format('constraint %s %s', conname, pg_get_constraintdef(oid)) from pg_constraint
      where connamespace = 'public'::regnamespace
    union all select format('index %s', indexdef) from pg_indexes where schemaname = 'public'
    union all select format('trigger %s %s %s', tgname, tgrelid::regclass, tgenabled) from pg_trigger
    union all select format('function %s %s', proname, md5(prosrc)) from pg_proc where pronamespace = 'public'::regnamespace
  ) as entries (entry)`

export async function takeSnapshot(client: pg.Client): Promise<Snapshot> {
  const { rows: names } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  )
  const tables = []
  for (const { name } of names) {
    const { rows } = await client.query<{ rows: string }>(`select coalesce(json_agg(t), '[]')::text as rows from ${name} t`)
    tables.push({ name, rows: rows[0]?.rows ?? '[]' })
  }
  return { schema: await readSchema(client), tables }
}

/** Takes every table back to what it held; false, with nothing done, when the schema is another one by now. */
export async function restoreSnapshot(client: pg.Client, { schema, tables }: Snapshot): Promise<boolean> {
  if ((await readSchema(client)) !== schema) return false
  await client.query('begin')
  // nobody else is there; rows may refer to each other, and nothing is to be noted
  await client.query('set local session_replication_role = replica')
  for (const { name } of tables) await client.query(`delete from ${name}`)
  for (const { name, rows } of tables)
    if (rows !== '[]')
      await client.query(`insert into ${name} overriding system value select * from json_populate_recordset(null::${name}, $1)`, [
        rows,
      ])
  await client.query('commit')
  return true
}

async function readSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(SCHEMA)
  return rows[0]?.schema ?? ''
}

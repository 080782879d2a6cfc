import type pg from 'pg'

/** Lower ones are Postgres' own. */
const FIRST_OWN = 16_384

/** A schema, and what its tables held when it was new. */
export interface Snapshot {
  schema: string
  tables: { name: string; rows: string }[]
}

/** By which rows of the catalogue it is made of: whatever changes a schema writes another one. Said in definitions, it would cost several times as much. */
const SCHEMA = `
  select md5(string_agg(entry, ' ' order by entry)) as schema from (
    select format('relation %s %s', oid, xmin) from pg_class where oid >= ${FIRST_OWN}
    union all select format('column %s %s %s', attrelid, attnum, xmin) from pg_attribute where attrelid >= ${FIRST_OWN}
    union all select format('default %s %s', oid, xmin) from pg_attrdef where oid >= ${FIRST_OWN}
    union all select format('constraint %s %s', oid, xmin) from pg_constraint where oid >= ${FIRST_OWN}
    union all select format('trigger %s %s', oid, xmin) from pg_trigger where oid >= ${FIRST_OWN}
    union all select format('function %s %s', oid, xmin) from pg_proc where oid >= ${FIRST_OWN}
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
  // nobody else is there; rows may refer to each other, and nothing is to be noted. Statements that are sent together are one transaction
  await client.query(
    [
      'set local session_replication_role = replica',
      ...tables.map(({ name }) => `delete from ${name}`),
      ...tables
        .filter(({ rows }) => rows !== '[]')
        .map(({ name, rows }) => {
          const values = `json_populate_recordset(null::${name}, ${client.escapeLiteral(rows)})`
          return `insert into ${name} overriding system value select * from ${values}`
        }),
    ].join('; '),
  )
  return true
}

async function readSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(SCHEMA)
  return rows[0]?.schema ?? ''
}

import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Queryable } from './connection.ts'

export interface Meta {
  environment: string
  /** 8 hex digits, drawn once per database: part of the marker on every external resource. */
  deploymentId: string
}

const BASE = fileURLToPath(new URL('../../migrations', import.meta.url))

/**
 * Brings the database up to date: numbered files, each once and in order, each in its own transaction, one migrator at a time.
 * Writes `meta` the first time. `url` must reach Postgres directly, not through a transaction pooler.
 * @throws Error when an applied file was changed, or when the database belongs to another environment
 */
export async function migrate(p: {
  url: string
  folder: string
  environment: string
}): Promise<{ applied: string[]; meta: Meta }> {
  const client = new pg.Client({ connectionString: p.url })
  await client.connect()
  try {
    await client.query(`select pg_advisory_lock(hashtext('convos migrations'))`)
    await client.query(
      'create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now())',
    )
    const applied: string[] = []
    for (const file of [...(await sqlFiles(BASE)), ...(await sqlFiles(p.folder))])
      if (await apply(client, file)) applied.push(basename(file))
    await client.query('insert into meta (environment, deployment_id) values ($1, $2) on conflict do nothing', [
      p.environment,
      randomBytes(4).toString('hex'),
    ])
    const meta = await readMeta(client)
    if (meta.environment !== p.environment) {
      throw new Error(`this database belongs to environment "${meta.environment}", not to "${p.environment}"`)
    }
    return { applied, meta }
  } finally {
    await client.end()
  }
}

export async function readMeta(db: Queryable): Promise<Meta> {
  const { rows } = await db.query<{ environment: string; deployment_id: string }>({
    text: 'select environment, deployment_id from meta',
  })
  if (!rows[0]) throw new Error('the database has no meta row: it was not migrated')
  return { environment: rows[0].environment, deploymentId: rows[0].deployment_id }
}

export interface Migration {
  /** Its file, e.g. `0001_pool.sql`. */
  name: string
  /** SHA-256 of its text, hex. */
  checksum: string
}

/** What a service's database is made of, in order; reads files only. */
export async function migrationsOf(folder: string): Promise<Migration[]> {
  const files = [...(await sqlFiles(BASE)), ...(await sqlFiles(folder))]
  return Promise.all(files.map(async (file) => ({ name: basename(file), checksum: checksumOf(await readFile(file, 'utf8')) })))
}

const checksumOf = (sql: string): string => createHash('sha256').update(sql).digest('hex')

/** The newest migration that this database has, by its file's name. */
export async function readSchema(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ name: string }>({
    name: 'read_schema',
    text: 'select name from schema_migrations order by name desc limit 1',
  })
  if (!rows[0]) throw new Error('the database was not migrated')
  return rows[0].name
}

async function sqlFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .toSorted()
    .map((name) => join(folder, name))
}

async function apply(client: pg.Client, file: string): Promise<boolean> {
  const name = basename(file)
  const sql = await readFile(file, 'utf8')
  const checksum = checksumOf(sql)
  const { rows } = await client.query<{ checksum: string }>('select checksum from schema_migrations where name = $1', [name])
  if (rows[0]) {
    if (rows[0].checksum !== checksum) throw new Error(`migration ${name} was changed after it had been applied`)
    return false
  }
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [name, checksum])
    await client.query('commit')
  } catch (err) {
    await client.query('rollback')
    throw new Error(`migration ${name} failed`, { cause: err })
  }
  return true
}

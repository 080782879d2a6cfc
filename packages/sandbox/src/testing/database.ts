import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { restoreSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** An administrator's URL of the cluster that this test run shares. */
    postgresUrl: string
  }
}

export interface TestDatabase {
  url: string
  /** Moves what `clock_now()` answers in this database; connections are cut so that every session sees it. */
  moveClock(ms: number): Promise<void>
  drop(): Promise<void>
}

/** The name of every database of one test run begins so; workers are children of the process that began it. */
export const runPrefix = (runPid: number): string => `t_${runPid}_`

/** Emptied databases that can be used again: cloning one costs more than most tests do. */
const emptied = new Map<string, ClonedDatabase[]>()

interface ClonedDatabase {
  name: string
  /** After the migrations. */
  asNew: Snapshot
}

/**
 * A database of its own, cloned from a template that the first caller migrates, or one that an earlier caller of this process is done with, as empty.
 * `template` names the schema and must be unique to what `migrate` makes of it.
 */
export async function createDatabase(
  adminUrl: string,
  p: { template: string; migrate(url: string): Promise<unknown> },
): Promise<TestDatabase> {
  const clone = emptied.get(p.template)?.pop() ?? (await cloneTemplate(adminUrl, p))
  const url = databaseUrl(adminUrl, clone.name)
  let offsetMs = 0
  return {
    url,
    async moveClock(ms) {
      offsetMs += ms
      await setClockOffset(adminUrl, clone.name, offsetMs)
    },
    async drop() {
      // whatever sessions there are would hold locks
      await withClient(adminUrl, (admin) => (offsetMs === 0 ? endSessions(admin, clone.name) : setOffset(admin, clone.name, 0)))
      if (await withClient(url, (client) => restoreSnapshot(client, clone.asNew)))
        emptied.set(p.template, [...(emptied.get(p.template) ?? []), clone])
      else await dropDatabases(adminUrl, clone.name)
    },
  }
}

const newName = () => `${runPrefix(process.ppid)}${process.pid}_${randomBytes(5).toString('hex')}`

/**
 * What a backup of a database holds at this moment, as a database of its own. Its sessions are cut: Postgres copies none that is in use, so whoever
 * would connect again at once must stand still meanwhile.
 */
export async function copyDatabase(adminUrl: string, url: string): Promise<Pick<TestDatabase, 'url' | 'drop'>> {
  const original = databaseName(url)
  const name = newName()
  await withClient(adminUrl, async (admin) => {
    await endSessions(admin, original)
    await admin.query(`create database ${name} template ${original} strategy file_copy`)
  })
  return { url: databaseUrl(adminUrl, name), drop: () => dropDatabases(adminUrl, name) }
}

async function cloneTemplate(
  adminUrl: string,
  p: { template: string; migrate(url: string): Promise<unknown> },
): Promise<ClonedDatabase> {
  const template = `template_${p.template}`
  const name = newName()
  await withClient(adminUrl, async (admin) => {
    // the first one in builds the template, the others wait for it
    await admin.query('select pg_advisory_lock(hashtext($1))', [template])
    try {
      const { rowCount } = await admin.query('select 1 from pg_database where datname = $1 and datistemplate', [template])
      if (rowCount === 0) {
        await admin.query(`drop database if exists ${template}`)
        await admin.query(`create database ${template}`)
        await p.migrate(databaseUrl(adminUrl, template))
        await admin.query(`alter database ${template} is_template true`)
      }
      await admin.query(`create database ${name} template ${template} strategy file_copy`)
    } finally {
      await admin.query('select pg_advisory_unlock(hashtext($1))', [template])
    }
  })
  return { name, asNew: await withClient(databaseUrl(adminUrl, name), takeSnapshot) }
}

/** Sets a database's clock offset and ends its sessions, so that all of them see it. */
export async function setClockOffset(adminUrl: string, database: string, offsetMs: number): Promise<void> {
  await withClient(adminUrl, (admin) => setOffset(admin, database, offsetMs))
}

async function setOffset(admin: pg.Client, database: string, offsetMs: number): Promise<void> {
  await admin.query(`alter database ${database} set convos.clock_offset = '${Math.round(offsetMs)} ms'`)
  await endSessions(admin, database)
}

/** And waits for their end: until then each still is what it was. */
async function endSessions(admin: pg.Client, database: string): Promise<void> {
  await admin.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [database])
}

/** The same server, another database; works for unix-socket URLs too. */
export function databaseUrl(adminUrl: string, database: string): string {
  const url = new URL(adminUrl.replace('@/', '@socket/'))
  url.pathname = `/${database}`
  return url.href.replace('@socket/', '@/')
}

/** Of what a URL names; works for unix-socket URLs too. */
export const databaseName = (url: string): string => new URL(url.replace('@/', '@socket/')).pathname.slice(1)

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Drops every database whose name begins so. */
export const dropDatabases = (adminUrl: string, prefix: string): Promise<void> =>
  withClient(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [prefix],
    )
    for (const { name } of rows) await admin.query(`drop database ${name} with (force)`)
  })

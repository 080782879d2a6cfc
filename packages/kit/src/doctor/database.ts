import pg from 'pg'
import { type Migration, migrationsOf } from '../db/migrate.ts'
import { judgeClock } from './clock.ts'
import { inWords } from '../words.ts'
import { fault, ok, type Seen, warning } from './finding.ts'

const OLDEST_POSTGRES = 15
/** So much of the server's connections in use is worth a word. */
const CROWDED = 0.8

/** What a service expects of its database. */
export interface Expected {
  /** `pool` or `services`. */
  service: string
  environment: string
  migrations: readonly Migration[]
}

/** What stands in it. */
export interface DatabaseFacts {
  /** As in `server_version_num`, e.g. 180004. */
  version: number
  connections: { used: number; max: number }
  /** Null: nothing was ever migrated here. */
  applied: readonly Migration[] | null
  environment: string | null
  clock: { now: number; before: number; after: number }
}

/** Everything about a service's database, by its own variables. */
export async function lookAtDatabase(
  p: { service: string; environment: string; folder: string; url: string; directUrl: string },
  timeoutMs: number,
): Promise<Seen[]> {
  const migrations = await migrationsOf(p.folder)
  const expected = { service: p.service, environment: p.environment, migrations }
  const seen = await lookAt('DATABASE_URL', p.url, expected, timeoutMs)
  if (p.directUrl === p.url) return seen
  return [...seen, ...(await lookAt('DATABASE_DIRECT_URL', p.directUrl, expected, timeoutMs))]
}

async function lookAt(variable: string, url: string, expected: Expected, timeoutMs: number): Promise<Seen[]> {
  try {
    return judgeDatabase(variable, await readFacts(url, timeoutMs), expected)
  } catch (err) {
    const todo = `check ${variable}, that the server runs, and that it lets this machine in`
    return [fault('DATABASE_UNREACHABLE', `the database of ${variable} cannot be read: ${inWords(err)}`, todo)]
  }
}

/** What is wrong with it, the worst first; one `ok` where nothing is. */
export function judgeDatabase(variable: string, facts: DatabaseFacts, expected: Expected): Seen[] {
  const { service, environment } = expected
  const found: Seen[] = []
  if (facts.version < OLDEST_POSTGRES * 10_000)
    found.push(
      fault('DATABASE_TOO_OLD', `Postgres ${Math.floor(facts.version / 10_000)} is too old`, `use ${OLDEST_POSTGRES} or later`),
    )
  found.push(...judgeSchema(variable, facts, expected))
  if (facts.environment !== null && facts.environment !== environment)
    found.push(
      fault(
        'DATABASE_OF_ANOTHER_ENVIRONMENT',
        `it belongs to environment "${facts.environment}", and ${service} is to run as "${environment}"`,
        `set ${variable} to the database of "${environment}", or POOL_ENVIRONMENT to "${facts.environment}"`,
      ),
    )
  const { used, max } = facts.connections
  if (used >= max * CROWDED)
    found.push(
      warning('DATABASE_CROWDED', `${used} of ${max} connections are in use`, 'raise max_connections, or put a pooler in front'),
    )
  const { now: theirs, before, after } = facts.clock
  const clock = judgeClock({ whose: 'the clock of the database', theirs, before, after, resolutionMs: 1 })
  if (found.length === 0)
    found.push(ok('DATABASE', `Postgres ${Math.floor(facts.version / 10_000)}, environment "${environment}", schema up to date`))
  return [...found, clock]
}

function judgeSchema(variable: string, { applied }: DatabaseFacts, { service, migrations }: Expected): Seen[] {
  const migrate = `run "pnpm ${service}:db:migrate", or start ${service}, which does so by itself`
  if (applied === null) return [fault('DATABASE_UNMIGRATED', 'it is empty: no migration was ever applied', migrate)]
  const there = new Map(applied.map(({ name, checksum }) => [name, checksum]))
  const known = new Set(migrations.map(({ name }) => name))
  const missing = migrations.filter(({ name }) => !there.has(name)).map(({ name }) => name)
  const unknown = applied.filter(({ name }) => !known.has(name)).map(({ name }) => name)
  const changed = migrations.filter(({ name, checksum }) => there.has(name) && there.get(name) !== checksum)
  const found: Seen[] = []
  if (changed.length > 0)
    found.push(
      fault(
        'DATABASE_MIGRATION_CHANGED',
        `${changed.map(({ name }) => name).join(', ')}: not what was applied here`,
        'never edit a migration that was applied: put its old text back, and add the next number',
      ),
    )
  if (missing.length > 0 && unknown.length > 0)
    found.push(
      fault(
        'DATABASE_OF_ANOTHER_SERVICE',
        `it is not a database of ${service}: ${unknown.join(', ')} were applied here, ${missing.join(', ')} were not`,
        `set ${variable} to the database of ${service}`,
      ),
    )
  else if (missing.length > 0) found.push(fault('DATABASE_BEHIND', `${missing.join(', ')} are still to be applied`, migrate))
  else if (unknown.length > 0)
    found.push(
      warning(
        'DATABASE_NEWER',
        `${unknown.join(', ')} are unknown to this version`,
        'fine for as long as a roll-out or a roll-back by one version takes; then run the version that wrote them',
      ),
    )
  return found
}

/** Reads only. @throws Error when it cannot */
async function readFacts(url: string, timeoutMs: number): Promise<DatabaseFacts> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('begin transaction read only')
    const { rows: server } = await client.query<{
      version: number
      used: number
      max: number
      migrated: boolean
      timed: boolean
    }>(`
      select current_setting('server_version_num')::int as version, current_setting('max_connections')::int as max,
        (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
        to_regclass('schema_migrations') is not null as migrated, to_regprocedure('clock_now()') is not null as timed`)
    const [about] = server
    if (!about) throw new Error('it answered nothing')
    const applied = about.migrated
      ? (await client.query<Migration>('select name, checksum from schema_migrations order by name')).rows
      : null
    const meta = applied?.some(({ name }) => name.startsWith('0000'))
      ? (await client.query<{ environment: string }>('select environment from meta')).rows
      : []
    const before = Date.now()
    const { rows: time } = await client.query<{ now: string }>(
      `select extract(epoch from ${about.timed ? 'clock_now()' : 'clock_timestamp()'}) * 1000 as now`,
    )
    const after = Date.now()
    return {
      version: about.version,
      connections: { used: about.used, max: about.max },
      applied,
      environment: meta[0]?.environment ?? null,
      clock: { now: Number(time[0]?.now), before, after },
    }
  } finally {
    await client.end()
  }
}

import pg from 'pg'
import type { Logger } from '../log.ts'

/** Anything a statement can run on: the pool, or the connection of a transaction. */
export interface Queryable {
  query<R extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<R>>
}
export type Transaction = pg.PoolClient
export type Database = pg.Pool

export interface DatabaseOptions {
  url: string
  log: Logger
  max?: number
  /** Off behind transaction poolers that lose prepared statements. */
  prepared?: boolean
  /** How long one statement may take, as seen from here; 60 s unless set, null: as long as it takes. */
  queryTimeoutMs?: number | null
}

/** No statement of a service comes near it: a server or a network that is gone without a word would be waited for for ever. */
const QUERY_TIMEOUT_MS = 60_000

/** A pool that survives connections cut by the server. bigint columns arrive as strings. */
export function connectDatabase({
  url,
  log,
  max = 20,
  prepared = true,
  queryTimeoutMs = QUERY_TIMEOUT_MS,
}: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    application_name: 'convos',
    query_timeout: queryTimeoutMs ?? 0,
  })
  // without a listener an idle connection cut by the server would end the process
  pool.on('error', (err) => log.warn({ err }, 'idle database connection lost'))
  // the pool takes its own listener off a connection that is in use: one cut in the middle of a transaction would end the process too
  pool.on('connect', (client) => client.on('error', (err) => log.warn({ err }, 'database connection lost')))
  if (!prepared) pool.on('connect', withoutNames)
  return pool
}

function withoutNames(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown
  client.query = ((first: unknown, ...rest: unknown[]) =>
    query(
      typeof first === 'object' && first !== null && 'name' in first ? { ...first, name: undefined } : first,
      ...rest,
    )) as typeof client.query
}

/**
 * Runs `work` in one transaction; never await a network call inside. A process that is frozen or cut off in the middle of it
 * loses it after 30 s: its locks would hold up everyone else until the operating system gives the connection up, which takes hours.
 */
export async function withTransaction<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const tx = await db.connect()
  let broken: Error | undefined
  try {
    await tx.query(`begin; set local idle_in_transaction_session_timeout = '30s'`)
    const result = await work(tx)
    await tx.query('commit')
    return result
  } catch (err) {
    await tx.query('rollback').catch((rollbackError: Error) => (broken = rollbackError))
    throw err
  } finally {
    tx.release(broken)
  }
}

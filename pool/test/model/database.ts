import type { Database, Queryable, Transaction } from '@convos/kit'
import type { Process, Schedule, Session } from './schedule.ts'
import type { Time } from './time.ts'

type Statement = Parameters<Queryable['query']>[0]

/** What `clock_now()` was told in each connection. */
const told = new WeakMap<Transaction, number>()

async function tellTime(client: Transaction, { offsetMs }: Pick<Time, 'offsetMs'>): Promise<void> {
  if (told.get(client) === offsetMs) return
  told.delete(client)
  const text = `select set_config('convos.clock_offset', $1, false)`
  await client.query({ name: 'set_offset', text, values: [`${offsetMs} ms`] })
  told.set(client, offsetMs)
}

/** The connection itself is the session: the server's process id is how it is known there. */
const sessionOf = (client: Transaction | null) => client as unknown as Session | null

/** The real database as one replica sees it: each statement is a step, and its transactions end when it dies. */
export function databaseOf(p: {
  real: Database
  process: Process
  schedule: Schedule
  time: Time
  /** Hears of every statement of a transaction: those so far, the latest last. */
  afterStatement(names: readonly string[]): Promise<void>
}): Database {
  const { real, process, schedule, time } = p

  function query(statement: Statement | string) {
    let client: Transaction | null = null
    const run = async () => {
      client = await real.connect()
      try {
        await tellTime(client, time)
        return await client.query(statement as Statement)
      } finally {
        client.release()
      }
    }
    return schedule.pass(process, `sql ${nameOf(statement)}`, run, () => sessionOf(client))
  }

  /** A connection for a transaction; a real one is taken when that begins. */
  function connect() {
    let client: Transaction | null = null
    let busy: Promise<unknown> | null = null
    const names: string[] = []
    const release = (broken?: Error) => {
      const on = client
      client = null
      if (!on) return
      schedule.transactions.delete(on as unknown as Session)
      // what the server does once the connection is lost, but at a moment that is known
      if (broken) schedule.ends(on.query('rollback').then(() => on.release(broken), on.release))
      else on.release()
    }
    const begin = async () => {
      client = await real.connect()
      schedule.transactions.add(client as unknown as Session)
      return client
    }
    // what the server does once it hears that its client is gone
    process.onDeath.push(async () => {
      const on = client
      if (!on) return
      told.delete(on)
      const rollBack = () => on.query('rollback').then(() => release(), release)
      // a statement that has reached the server is not taken back
      if (busy) void busy.then(() => schedule.ends(rollBack()))
      else await rollBack()
    })
    const run = async (statement: Statement | string) => {
      const name = nameOf(statement)
      const on = client ?? (await begin())
      names.push(name)
      const ends = name === 'commit' || name === 'rollback'
      if (ends) told.delete(on)
      else await tellTime(on, time)
      const running = on.query(statement as Statement)
      busy = running.catch(() => {}).finally(() => (busy = null))
      const result = await running
      const session = sessionOf(on)
      if (ends && session) schedule.transactions.delete(session)
      await p.afterStatement(names)
      return result
    }
    return Promise.resolve({
      query: (statement: Statement | string) =>
        schedule.pass(
          process,
          `sql ${nameOf(statement)}`,
          () => run(statement),
          () => sessionOf(client),
        ),
      release,
    })
  }

  // of a pool, product code uses these two
  return { query, connect } as unknown as Database
}

const nameOf = (statement: Statement | string) =>
  typeof statement === 'string' ? statement : (statement.name ?? statement.text.trim().slice(0, 40))

const names = new Map<string, string>()

/** The laws ask the same after every command: prepared, it is planned once and not hundreds of times. */
function nameOfText(text: string): string {
  const name = names.get(text) ?? `look_${names.size}`
  names.set(text, name)
  return name
}

/** A look at the database from outside of every replica, with the time that they have. */
export async function monitorOf(real: Database, time: Time) {
  const client = await real.connect()
  let latest: Promise<unknown> = Promise.resolve()

  /** One after the other: a question whose answer nobody waits for any more may still be under way. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = latest.then(work)
    latest = next.catch(() => {})
    return next
  }

  return {
    query: <R extends object>(text: string, values: unknown[] = []): Promise<R[]> =>
      inTurn(async () => {
        await tellTime(client, time)
        return (await client.query<R & Record<string, unknown>>({ name: nameOfText(text), text, values })).rows
      }),

    waitsForLock: ({ processID }: Session): Promise<boolean> =>
      inTurn(async () => {
        // of this session alone: all of pg_locks is a walk through tables that are made for thousands of locks
        const text = 'select cardinality(pg_blocking_pids($1)) > 0 as waits'
        const { rows } = await client.query<{ waits: boolean }>({ name: 'waits_for_lock', text, values: [processID] })
        return rows[0]?.waits ?? false
      }),

    async release(): Promise<void> {
      await latest
      client.release()
    },
  }
}

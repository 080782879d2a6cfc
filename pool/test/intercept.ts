import type { Database } from '@convos/kit'
import type { TestPool } from './harness.ts'

type Rows = { state?: string }[]
type Query = (statement: { name?: string }) => Promise<{ rows: Rows }>

/** Lets a test stand before a statement of this name is sent, or between its answer and whoever asked. */
export function intercept(
  db: Database,
  name: string,
  meet: { before?: () => Promise<void> | void; after?: (rows: Rows) => Promise<void> | void },
): void {
  const query = db.query.bind(db) as unknown as Query
  const met: Query = async (statement) => {
    if (statement.name !== name) return query(statement)
    await meet.before?.()
    const answer = await query(statement)
    await meet.after?.(answer.rows)
    return answer
  }
  db.query = met as never
}

/** What a killed process leaves behind: from now on nothing that this replica does reaches its database or services. */
export function cutOff({ ctx: { db, services } }: TestPool): void {
  const dead = new Error('this replica was killed')
  const gone = () => Promise.reject(dead)
  const calls = Object.entries(services).filter(([, call]) => typeof call === 'function')
  Object.assign(services, Object.fromEntries(calls.map(([name]) => [name, gone])))
  // every statement takes its connection from here
  Object.assign(db, { connect: (done?: (err: Error) => void) => (done ? done(dead) : gone()) })
}

import { eventually } from '@convos/sandbox/testing'
import type { TestPool } from './harness.ts'
import { seedReady } from './harness.ts'

/** The operation once nothing of it is running. */
export const finished = (pool: TestPool, operation: Record<string, unknown>) =>
  eventually('the operation to end', async () => {
    const { body } = await pool.call('GET', `/api/pool/operations/${String(operation['id'])}`)
    return body['state'] === 'running' ? null : body
  })

/** An agent that somebody has claimed, by default the pool key. */
export async function claimed(pool: TestPool, body: Record<string, unknown> = {}, key: string = pool.key): Promise<string> {
  await seedReady(pool, 1)
  const answer = await pool.claim(body, { key })
  if (answer.status !== 200) throw new Error(`no claim: ${answer.text}`)
  return String(answer.body['instanceId'])
}

/** What the event log says of an instance, oldest first. */
export async function eventsOf(pool: TestPool, id: string) {
  const { rows } = await pool.db.query<{ type: string; actor: string; reason: string | null; detail: unknown }>({
    text: 'select type, actor, reason, detail from instance_events where instance_id = $1 order by id',
    values: [id],
  })
  return rows
}

/** A gate that the test opens: work waits at it, and the test knows when somebody does. */
export function gate() {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    pass: () => {
      reached.resolve()
      return opened.promise
    },
  }
}

import type { Queryable } from '@convos/kit'
import { CALL_LONGEST } from '../limits.ts'
import { held, type Lease } from './runner.ts'

export type Direction = 'do' | 'undo'

export interface LogEntry {
  step: string
  direction: Direction
  state: 'started' | 'done' | 'failed'
  attempts: number
  /** A call was sent of which it is not known whether it took effect. */
  uncertain: boolean
  /** Since the last call ended; where its end was not seen, since it must have ended. */
  endedAgoMs: number
  startedAt: Date
  endedAt: Date | null
  error: string | null
}

export async function readSagaLog(db: Queryable, instanceId: string): Promise<LogEntry[]> {
  const { rows } = await db.query<LogEntry>({
    name: 'read_saga_log',
    values: [instanceId, CALL_LONGEST],
    text: `
      select step, direction, state, attempts, uncertain, started_at as "startedAt", ended_at as "endedAt", error,
        (extract(epoch from clock_now() - coalesce(ended_at, started_at + $2 * interval '1 ms')) * 1000)::float8 as "endedAgoMs"
      from saga_log where instance_id = $1 order by started_at, step`,
  })
  return rows
}

/** Written before the call: from here on the step may have had its effect. */
export async function logStarted(db: Queryable, lease: Lease, p: { step: string; direction: Direction }): Promise<void> {
  const { rowCount } = await db.query({
    name: 'log_started',
    values: [lease.instanceId, lease.runnerId, p.step, p.direction],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      insert into saga_log as log (instance_id, step, direction, state) select instance_id, $3, $4, 'started' from held
      on conflict (instance_id, step, direction) do update set
        state = 'started', attempts = log.attempts + 1, uncertain = true, started_at = clock_now(), ended_at = null, error = null`,
  })
  held(lease, rowCount)
}

export interface Ended {
  step: string
  direction: Direction
  state: 'done' | 'failed'
  error: string | null
  uncertain: boolean
  /** False for an attempt that was turned away unheard, e.g. by a throttle. */
  counts: boolean
}

export async function logEnded(db: Queryable, lease: Lease, p: Ended): Promise<void> {
  const { rowCount } = await db.query({
    name: 'log_ended',
    values: [lease.instanceId, lease.runnerId, p.step, p.direction, p.state, p.error, p.uncertain, p.counts],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update saga_log log set state = $5, error = $6, uncertain = $7, ended_at = clock_now(),
        attempts = log.attempts - case when $8 then 0 else 1 end
      from held where log.instance_id = held.instance_id and log.step = $3 and log.direction = $4`,
  })
  held(lease, rowCount)
}

/** A step that needed no call, e.g. because its effect was found. */
export async function logFound(db: Queryable, lease: Lease, p: { step: string; direction: Direction }): Promise<void> {
  const { rowCount } = await db.query({
    name: 'log_found',
    values: [lease.instanceId, lease.runnerId, p.step, p.direction],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      insert into saga_log as log (instance_id, step, direction, state, uncertain, ended_at)
      select instance_id, $3, $4, 'done', false, clock_now() from held
      on conflict (instance_id, step, direction) do update set state = 'done', uncertain = false, error = null,
        ended_at = coalesce(log.ended_at, clock_now())`,
  })
  held(lease, rowCount)
}

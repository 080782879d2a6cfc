import type { Queryable } from '@convos/kit'
import { planOf, scoped } from '@convos/sandbox/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { EVERYTHING, type LogFilter, readLatest, readLog } from '../src/db/feed.ts'
import { listFleet } from '../src/db/instances.ts'
import { countTainted } from '../src/db/keys.ts'
import { countAutoDestroyed } from '../src/db/moves.ts'
import { testDatabase, unaudited } from './harness.ts'

const latest = (filter: Partial<LogFilter>) => (tx: Queryable) =>
  readLatest(tx, { before: null, filter: { ...EVERYTHING, ...filter }, limit: 100 })

describe('in a database that has been used for long', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>
  beforeEach(async () => {
    database = scoped(await testDatabase())
    await unaudited(
      database.db,
      `insert into claims (id, principal, body_hmac, mode, agent_name, state, tainted, instance_id, wait_until, lease_until, created_at, finished_at)
       select 'clm_' || n, 'key:site', 'h', 'create', 'a', 'ended', (n % 500 = 1)::int, 'instance' || n, now(), now(), now() - n * interval '5 min', now()
       from generate_series(1, 5000) n`,
    )
    await database.db.query(
      `insert into instance_events (instance_id, type, actor, request_id, at)
       select 'instance' || n, case when n % 2 = 0 then 'auto_destroy' else 'ready' end, case when n % 2 = 0 then 'pool' else 'key:' || n % 100 end, 'request-' || n,
         now() - n * interval '5 min'
       from generate_series(1, 20000) n`,
    )
    await database.db.query('analyze')
  })

  test('what the claims of a key have spoilt is counted without a look at all that it ever made', async () => {
    expect(await planOf(database.db, (tx) => countTainted(tx, 'key:site'))).toContain('claims_that_tainted')
  })

  test('what automation has destroyed is counted over the hour', async () => {
    expect(await planOf(database.db, countAutoDestroyed)).toMatch(/Index Cond: .*at > /)
  })

  test('of instances that have changed, however many, none is compared with each', async () => {
    const ids = Array.from({ length: 500 }, (_, n) => String(n).padStart(12, '0'))
    expect(await planOf(database.db, (tx) => listFleet(tx, { ids }, { after: '', limit: 100 }))).toContain('hashed SubPlan')
  })

  test('the log is read by what is asked for, whoever did it, in whichever request, since whenever', async () => {
    expect(await planOf(database.db, latest({ actor: 'key:7' }))).toContain('events_of_an_actor')
    expect(await planOf(database.db, latest({ requestId: 'request-7' }))).toContain('events_of_a_request')
    const since = new Date(Date.now() - 3_600_000).toISOString()
    expect(await planOf(database.db, latest({ since }))).toContain('events_by_time')
    const exported = (tx: Queryable) => readLog(tx, { after: { xid: 0n, id: 0n }, filter: { ...EVERYTHING, since }, limit: 100 })
    expect(await planOf(database.db, exported)).toContain('events_by_time')
  })
})

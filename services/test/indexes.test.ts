import { connectDatabase, createLogger, type Queryable } from '@convos/kit'
import { planOf } from '@convos/sandbox/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { pruneChanges } from '../src/db/changes.ts'
import { pruneEvents } from '../src/db/events.ts'
import { anyLookupDue, claimDueProbes } from '../src/db/probes.ts'
import { countForCap, readPlaceLedger, readToolLedger } from '../src/db/reconcile.ts'
import { pruneSms } from '../src/db/sms.ts'
import { countPhases, readUnsettled } from '../src/db/status.ts'
import { readCredits } from '../src/db/usage.ts'
import { servicesDatabase } from './support/harness.ts'

let database: Awaited<ReturnType<typeof servicesDatabase>>
let db: ReturnType<typeof connectDatabase>
beforeAll(async () => {
  database = await servicesDatabase(inject('postgresUrl'))
  db = connectDatabase({ url: database.url, log: createLogger('test', 'silent') })
  await db.query(`
    insert into instance_infra (instance_id, project_name, image, url, control_token, next_run_at, next_probe_at, next_lookup_at)
    select lpad(n::text, 12, '0'), 'p', 'i', 'http://x', 't', null, now() + n * interval '1 min', now() + n * interval '1 min'
    from generate_series(1, 5000) n`)
  await db.query(`
    insert into instance_infra (instance_id, wish, phase, next_run_at)
    select lpad(n::text, 12, 'x'), 'absent', 'destroyed', null from generate_series(1, 20000) n`)
  await db.query(`
    insert into instance_services (instance_id, tool_id, kind, state)
    select lpad(n::text, 12, 'x'), 'email', 'inbox', 'destroyed' from generate_series(1, 20000) n`)
  await db.query(`
    insert into instance_events (instance_id, type, at) select 'x', 'refused', now() - n * interval '1 min' from generate_series(1, 5000) n`)
  await db.query(`
    insert into sms_messages (instance_id, direction, from_number, to_number, body, state, at)
    select 'x', 'outbound', '1', '2', 'b', 'sent', now() - n * interval '1 min' from generate_series(1, 5000) n`)
  await db.query('analyze')
})
const ids = Array.from({ length: 500 }, (_, n) => String(n).padStart(12, '0'))
const ledger = { instanceIds: ids, andAllLive: true, holder: 'h' }
test.each<[string, string | RegExp, (tx: Queryable) => Promise<unknown>]>([
  ['how many there are of each phase', 'instance_infra_live_idx', (tx) => countPhases(tx)],
  ['what is on its way', /instance_infra_live_idx[^]*instance_services_unsettled_idx/, (tx) => readUnsettled(tx)],
  ['what was measured last', 'instance_services_sampled_idx', (tx) => readCredits(tx)],
  ['how much may be destroyed', /instance_events_strays_idx[^]*instance_infra_live_idx/, (tx) => countForCap(tx, 3_600_000)],
])('%s is told without a look at tombstones', async (_what, index, work) => {
  expect(await planOf(db, work)).toMatch(index)
})

test.each<[string, (tx: Queryable) => Promise<unknown>]>([
  ['instances', (tx) => readPlaceLedger(tx, ledger)],
  ['tools', (tx) => readToolLedger(tx, { ...ledger, toolId: 'email', kind: 'inbox' })],
])('a ledger of %s compares none of its rows with each id that is asked for', async (_what, work) => {
  expect(await planOf(db, work)).toContain('hashed SubPlan')
})

afterAll(async () => {
  await db.end()
  await database.drop()
})

const YEAR = 365 * 86_400_000
const old = { keepMs: YEAR, batch: 10 }

test.each<[string, string, (tx: Queryable) => Promise<unknown>]>([
  ['probes', 'next_probe_at', (tx) => claimDueProbes(tx, { limit: 40, claimMs: 1, ids: null })],
  ['probes among 500', 'next_probe_at', (tx) => claimDueProbes(tx, { limit: 40, claimMs: 1, ids: Array<string>(500).fill('x') })],
  ['look-ups', 'next_lookup_at', (tx) => anyLookupDue(tx)],
  ['changes', 'at', (tx) => pruneChanges(tx, YEAR)],
  ['events', 'at', (tx) => pruneEvents(tx, old)],
  ['texts', 'at', (tx) => pruneSms(tx, old)],
])('what is due of the %s is found without a look at what is not', async (_what, column, work) => {
  expect(await planOf(db, work)).toMatch(new RegExp(`Index Cond: \\(${column} <`))
})

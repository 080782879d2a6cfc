/** The statement that hands an instance to a claim, against the least that any such statement has to do. */
import { randomUUID } from 'node:crypto'
import { connectDatabase, type Database } from '@convos/kit'
import { LIMITS, reserve } from '@convos/pool/bench'
import { type Bench, SILENT } from './bench.ts'
import { scratchDatabase } from './database.ts'
import { ms, type Row, row } from './report.ts'
import { doubles, perSecond, summarize, throughputRatio, type Turn } from './stats.ts'

interface Variant {
  /** Fills its tables with so many to hand out, beside a fleet that is in use. */
  seed(db: Database, ready: number, fleet: number): Promise<void>
  /** One reservation: the instance, or null where none was to be had. */
  reserve(db: Database): Promise<string | null>
}

/** `bare_instances` is the same table with the same indexes; it is only flipped: no queue, no owner, no history. */
const bare: Variant = {
  async seed(db, ready, fleet) {
    await db.query('truncate bare_instances')
    await db.query(fleetOf('bare_instances'), [fleet])
    await db.query(readyIn('bare_instances'), [ready])
    await db.query('vacuum analyze bare_instances')
  },
  async reserve(db) {
    const { rows } = await db.query<{ id: string }>({
      name: 'bare_reserve',
      text: `
        update bare_instances set status = 'claiming'
        where id = (select id from bare_instances where status = 'ready' order by created_at, id limit 1 for update skip locked)
        returning id`,
    })
    return rows[0]?.id ?? null
  },
}

const DEADLINES = { createMs: LIMITS.claimCreateMs, joinMs: LIMITS.claimJoinMs, leaseExtraMs: LIMITS.claimLeaseExtraMs }

const ours: Variant = {
  async seed(db, ready, fleet) {
    await db.query('truncate instances, claims, instance_events')
    await db.query(fleetOf('instances'), [fleet])
    await db.query(readyIn('instances'), [ready])
    await db.query({
      values: [ready, randomUUID()],
      text: `
        insert into claims (id, principal, body_hmac, mode, agent_name, wait_until, lease_until)
        select $2 || n, 'key:bench', 'hmac', 'create', 'Assistant', clock_now() + interval '1 hour', clock_now() + interval '1 hour'
        from generate_series(1, $1::int) n`,
    })
    await db.query('vacuum analyze instances, claims')
  },
  reserve: together(),
}

/** As a replica does it: one statement at a time, for all who ask while the one before is under way. */
function together(): Variant['reserve'] {
  let asking: ((instanceId: string | null) => void)[] = []
  let running = false

  async function serve(db: Database): Promise<void> {
    running = true
    while (asking.length > 0) {
      const served = asking.splice(0, LIMITS.matchBatch)
      const { reserved } = await reserve(db, { ...DEADLINES, limit: served.length })
      served.forEach((tell, n) => tell(reserved[n]?.instanceId ?? null))
    }
    running = false
  }
  return (db) =>
    new Promise((resolve, reject) => {
      asking.push(resolve)
      if (!running) serve(db).catch(reject)
    })
}

const fleetOf = (name: string) => `
  insert into ${name} (id, status, claim_id, conversation_id, touched_at, created_at)
  select 'u' || lpad(n::text, 11, '0'), 'claimed', 'claim-' || n, 'conversation', clock_now(), clock_now() - interval '1 day'
  from generate_series(1, $1::int) n`

const readyIn = (name: string) => `
  insert into ${name} (id, status, created_at)
  select 'r' || lpad(n::text, 11, '0'), 'ready', clock_now() + n * interval '1 ms' from generate_series(1, $1::int) n`

interface Outcome extends Turn {
  times: number[]
  ids: string[]
  emptyHanded: number
}

/** `concurrent` callers reserve one after the other until `count` are reserved; more are ready, so that nobody runs dry. */
async function takeTurn(db: Database, variant: Variant, p: { count: number; concurrent: number }): Promise<Outcome> {
  const outcome: Outcome = { done: 0, ms: 0, times: [], ids: [], emptyHanded: 0 }
  let tickets = p.count
  const began = performance.now()
  const caller = async () => {
    while (tickets-- > 0) {
      const asked = performance.now()
      const id = await variant.reserve(db)
      outcome.times.push(performance.now() - asked)
      if (id === null) outcome.emptyHanded++
      else outcome.ids.push(id)
    }
  }
  await Promise.all(Array.from({ length: p.concurrent }, caller))
  return { ...outcome, ms: performance.now() - began, done: outcome.ids.length }
}

export async function measureReservation({ size, say, cleanup }: Bench): Promise<Row[]> {
  const { rounds, perRound, concurrent, fleet } = size.reservation
  const url = await scratchDatabase(cleanup)
  const db = connectDatabase({ url, log: SILENT, max: concurrent })
  cleanup.defer(() => db.end())
  await db.query('create table bare_instances (like instances including defaults including indexes)')
  // every connection open, and every plan made, before anything is timed
  const spare = 2 * concurrent
  const turn = async (variant: Variant, count: number) => {
    await variant.seed(db, count + spare, fleet)
    return takeTurn(db, variant, { count, concurrent })
  }
  for (const variant of [bare, ours, ours, bare]) await turn(variant, 10 * concurrent)

  const turns = { bare: [] as Outcome[], ours: [] as Outcome[] }
  // A B B A …: what drifts, drifts for both
  for (let round = 0; round < rounds; round++) {
    say(`reservation: round ${round + 1} of ${rounds}`)
    const order = round % 2 === 0 ? (['bare', 'ours'] as const) : (['ours', 'bare'] as const)
    for (const name of order) turns[name].push(await turn(name === 'bare' ? bare : ours, perRound))
  }
  const [a, b] = [turns.ours, turns.bare]
  const times = (all: Outcome[]) => summarize(all.flatMap((each) => each.times))
  const [p, q] = [times(a), times(b)]
  const ratio = throughputRatio(a, b)
  const twice = a.reduce((sum, { ids }) => sum + doubles(ids), 0)
  const empty = a.reduce((sum, { emptyHanded }) => sum + emptyHanded, 0)
  return [
    row(`reservation, ${concurrent} concurrent: p50 / p99`, `${ms(p.p50)} / ${ms(p.p99)}`, 'p99 ≤ 25 ms', p.p99 <= 25),
    row('  the bare statement: p50 / p99', `${ms(q.p50)} / ${ms(q.p99)}`),
    row('  per second, ours and bare', `${perSecond(a).toFixed(0)} and ${perSecond(b).toFixed(0)}`),
    row('  throughput, as a share of the bare statement’s', ratio.toFixed(2), '≥ 0.8', ratio >= 0.8),
    row('  handed out twice, and refused though some were ready', `${twice}, ${empty} of ${p.n}`, '0, 0', twice + empty === 0),
  ]
}

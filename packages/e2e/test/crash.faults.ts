/** kill -9 at random moments of warm-up and claims: whatever dies, the system converges and the providers hold what the ledgers say. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Claim } from '@convos/pool/contract'
import { eventually, setClockOffset } from '@convos/sandbox/testing'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { Resources } from './support/control.ts'
import { useSandbox } from './support/use-sandbox.ts'

const IDLE = 3
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 6)
const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)

const bed = useSandbox({ idle: IDLE })

/** mulberry32: the same seed kills the same things at the same moments. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const query = async <R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<R>(text)).rows
  } finally {
    await client.end()
  }
}

const killPid = (pid: number) => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it had ended already
  }
}

async function killSomething(random: () => number): Promise<string> {
  const victim = (['pool', 'services', 'instance'] as const)[Math.floor(random() * 3)] ?? 'pool'
  if (victim !== 'instance') {
    killPid((await bed.sandbox.processesNow())[victim])
    return victim
  }
  const pids = (await bed.control.resources()).railway.projects.flatMap((p) =>
    p.deployments.flatMap((d) => (d.pid === null ? [] : [d.pid])),
  )
  const pid = pids[Math.floor(random() * pids.length)]
  if (pid !== undefined) killPid(pid)
  return `instance ${pid}`
}

/** What the providers hold and what the databases say, in the same words. */
async function ledgersAndProviders() {
  const resources: Resources = await bed.control.resources()
  const pools = await query<{ id: string; status: string }>(bed.sandbox.databases.pool, `select id, status from instances`)
  const infra = await query<{ id: string }>(
    bed.sandbox.databases.services,
    `select instance_id as id from instance_infra where phase <> 'destroyed'`,
  )
  const keys = await query<{ id: string }>(
    bed.sandbox.databases.services,
    `select instance_id as id from instance_services where tool_id = 'openrouter' and state not in ('destroyed', 'retained')`,
  )
  const sorted = (ids: (string | null)[]) => ids.map(String).toSorted()
  const ids = (rows: { id: string }[]) => sorted(rows.map((row) => row.id))
  return {
    statuses: pools.map((row) => row.status),
    pool: ids(pools),
    infra: ids(infra),
    projects: sorted(resources.railway.projects.map((p) => p.instanceId)),
    complete: resources.railway.projects.every((p) => [p.services, p.volumes, p.domains].every((list) => list.length === 1)),
    keysInLedger: ids(keys),
    keysAtProvider: sorted(resources.openrouter.keys.map((key) => key.instanceId)),
  }
}

test(`after ${ROUNDS} rounds of kill -9 everything converges (CRASH_SEED=${SEED})`, async () => {
  const random = randomFrom(SEED)
  const killed: string[] = []
  const claims: Claim[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const claiming = Array.from({ length: 2 }, (_, i) =>
      bed.pool.claim({ agentName: `Round ${round}.${i}` }, { 'Idempotency-Key': `round-${round}-${i}` }).then(
        (answer) => void (answer.status === 200 && claims.push(Claim.parse(answer.body))),
        () => undefined, // the pool died under this claimer
      ),
    )
    await sleep(random() * 700)
    killed.push(await killSomething(random))
    await Promise.all(claiming)
    await sleep(random() * 700)
  }

  // what may only be given up after a wait (a lost answer's look-up, a lost claim's lease) has had it
  await eventually('pool and services answer again', async () => (await fetch(`${bed.sandbox.poolUrl}/readyz`)).ok, {
    timeoutMs: 30_000,
  })
  for (const url of Object.values(bed.sandbox.databases)) {
    const { pathname } = new URL(url)
    await setClockOffset(new URL('/postgres', url).href, pathname.slice(1), 150_000)
  }

  const last = await eventually(
    `nothing is half-way after killing ${killed.join(', ')}`,
    async () => {
      const seen = await ledgersAndProviders()
      const ready = seen.statuses.filter((status) => status === 'ready').length
      // the refill begins with a reservation: a box that its claim gives back untouched, or that was only silent, is one more
      const back = await query(
        bed.sandbox.databases.pool,
        `select id from instance_events where type = 'released' or (to_status = 'ready' and from_status = 'stuck')`,
      )
      const isStocked = ready >= IDLE && ready <= IDLE + back.length
      const settled = isStocked && seen.statuses.every((status) => ['ready', 'claimed'].includes(status))
      const equal = [seen.infra, seen.projects, seen.keysInLedger, seen.keysAtProvider].every(
        (list) => JSON.stringify(list) === JSON.stringify(seen.pool),
      )
      if (!settled || !equal || !seen.complete) throw new Error(JSON.stringify(seen))
      return seen
    },
    { timeoutMs: 90_000, everyMs: 250 },
  )
  expect(last.pool.length).toBeGreaterThanOrEqual(IDLE)

  const open = await query(bed.sandbox.databases.pool, `select id from claims where state in ('queued', 'running')`)
  expect(open).toEqual([])
  const owned = claims.map((claim) => claim.instanceId)
  expect(new Set(owned).size).toBe(owned.length)
  expect(last.pool).toEqual(expect.arrayContaining(owned))
}, 240_000)

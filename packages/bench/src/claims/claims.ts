/** Claims over HTTP, on the whole system with simulated instances. */
import { connectDatabase, type Database } from '@convos/kit'
import { eventually, startSandbox } from '@convos/sandbox/testing'
import { poissonArrivals } from '../arrivals.ts'
import { type Bench, SILENT } from '../bench.ts'
import { ms, type Row, row } from '../report.ts'
import { summarize, windows } from '../stats.ts'
import { type ClaimClient, claimClient } from './client.ts'
import { type Controls, controls } from './control.ts'
import { countReady, historyNow, knownHealth, readyInstances, refillDelays, servingDelays } from './events.ts'
import { processorMs } from './processor.ts'
import { asTheyArrive, atOnce, flatness, inSequence, judge, times } from './load.ts'

/** What a simulated instance takes to become somebody's agent: no part of our own time. */
const INSTANCE_MS = 100
const WINDOW_MS = 10_000
const WARM_EACH_MS = 1000

interface Bed {
  bench: Bench
  client: ClaimClient
  control: Controls
  /** Pool's. */
  db: Database
  processes: { pool: number; services: number }
}

export async function measureClaims(bench: Bench): Promise<Row[]> {
  const { sequential, burst, faulted, perSecond, sustainedMs } = bench.size.claims
  const quiet = await withBed(bench, sequential + faulted, async (bed) => {
    const health = await measureHealth(bed)
    await bed.control.holdCreations()
    return [...(await measureSequential(bed)), ...(await measureWaiters(bed)), ...health]
  })
  const arrivals = poissonArrivals({ perSecond, forMs: sustainedMs, seed: bench.seed })
  // exactly what the claims use up: the burst takes the last ones
  const loaded = await withBed(bench, arrivals.length + burst, async (bed) => {
    await bed.control.holdCreations()
    return [...(await measureSustained(bed, arrivals)), ...(await measureBurst(bed))]
  })
  return [...quiet, ...loaded]
}

/** Runs the whole system with so many instances that are ready, for as long as `measure` runs. */
async function withBed(bench: Bench, stock: number, measure: (bed: Bed) => Promise<Row[]>): Promise<Row[]> {
  const cleanup = bench.cleanup.use(new AsyncDisposableStack())
  const rows = await measure(await open({ ...bench, cleanup }, stock))
  await cleanup.disposeAsync()
  return rows
}

async function open(bench: Bench, stock: number): Promise<Bed> {
  const { cleanup, say } = bench
  say(`claims: the whole system starts and warms ${stock} simulated instances`)
  let told = 0
  const starting = startSandbox({
    idle: stock,
    instances: 'virtual',
    timeoutMs: 120_000 + stock * WARM_EACH_MS,
    signal: bench.interrupted,
    onLine(line) {
      const warm = Number(/warming (\d+)\//.exec(line)?.[1] ?? 0)
      if (warm < told + stock / 10) return
      told = warm
      say(`claims: ${warm} of ${stock} are warm`)
    },
  })
  cleanup.defer(async () => {
    // it stops by itself where it could not start
    const started = await starting.catch(() => null)
    await started?.interrupt()
    await started?.forget()
  })
  const sandbox = await starting
  const client = claimClient(sandbox.poolUrl, sandbox.poolApiKey)
  cleanup.defer(() => client.close())
  const db = connectDatabase({ url: sandbox.databases.pool, log: SILENT, max: 2 })
  cleanup.defer(() => db.end())
  const control = controls(sandbox.controlUrl)
  await control.setProvisionMs(INSTANCE_MS)
  return { bench, client, control, db, processes: sandbox.processes }
}

async function measureSequential({ bench: { size, say }, client, db }: Bed): Promise<Row[]> {
  const count = size.claims.sequential
  say(`claims: ${count} one after the other`)
  const since = await historyNow(db)
  const claims = await inSequence(client, count)
  const { p50, p99 } = summarize(times(claims))
  const own = summarize(times(claims).map((each) => each - INSTANCE_MS))
  const refill = await eventually('the refill after the last claim', async () => {
    const delays = await refillDelays(db, since)
    return delays.every(Number.isFinite) ? delays : null
  })
  const { succeeded, refusals } = judge(claims)
  const slowest = Math.max(...refill)
  return [
    row(`${count} claims in sequence: succeeded`, `${succeeded} ${refusals}`.trim(), `${count}`, succeeded === count),
    row('  end to end: p50 / p99', `${ms(p50)} / ${ms(p99)}`, 'p99 ≤ 500 ms', p99 <= 500),
    row(
      `  our own time (without the instance's ${INSTANCE_MS} ms)`,
      `${ms(own.p50)} / ${ms(own.p99)}`,
      'p99 ≤ 50 ms',
      own.p99 <= 50,
    ),
    row('refill starts after a claim: p50 / slowest', `${ms(summarize(refill).p50)} / ${ms(slowest)}`, '< 1 s', slowest < 1000),
  ]
}

async function measureSustained({ bench, client, processes }: Bed, arrivals: readonly number[]): Promise<Row[]> {
  const { perSecond, sustainedMs } = bench.size.claims
  bench.say(`claims: ${arrivals.length} in ${sustainedMs / 1000} s`)
  const used = () => [processorMs(processes.pool), processorMs(processes.services)] as const
  const before = used()
  const claims = await asTheyArrive(client, arrivals, bench.interrupted)
  const each = used().map((now, n) => ms(((now ?? NaN) - (before[n] ?? NaN)) / claims.length))
  const { succeeded, refusals, doubles } = judge(claims)
  const { p50, p99 } = summarize(times(claims))
  const split = windows(
    claims.map((claim, n) => ({ at: arrivals[n] ?? 0, ms: claim.ms })),
    WINDOW_MS,
  )
  const ratio = flatness(split)
  const rate = `${((succeeded / claims.length) * 100).toFixed(1)} % of ${claims.length} ${refusals}`.trim()
  return [
    row(`${perSecond}/s for ${sustainedMs / 1000} s: succeeded`, rate, '100 %', succeeded === claims.length && doubles === 0),
    row('  end to end: p50 / p99', `${ms(p50)} / ${ms(p99)}`),
    ...split.map((window, n) => {
      const of = summarize(window)
      return row(`  from ${n * 10} s: p50 / p99`, `${ms(of.p50)} / ${ms(of.p99)}`)
    }),
    row('  processor time per claim, all else included: pool / services', each.join(' / ')),
    row('  p99 of the last window : of the first', ratio.toFixed(2), '≤ 1.5 (flat)', ratio <= 1.5),
  ]
}

async function measureBurst({ bench: { size, say }, client, db }: Bed): Promise<Row[]> {
  const count = size.claims.burst
  const ready = await countReady(db)
  say(`claims: ${count} at once on ${ready} ready`)
  const { claims, ms: took } = await atOnce(client, count)
  const { succeeded, doubles, refusals } = judge(claims)
  return [
    row(
      `${count} claims at once on ${ready} ready: succeeded`,
      `${succeeded} ${refusals}`.trim(),
      `${count}`,
      succeeded === count,
    ),
    row('  handed out twice', `${doubles}`, '0', doubles === 0),
    row('  all done after', ms(took), '< 3 s', took < 3000),
  ]
}

/** Once nothing is left, whoever comes waits for what is created next. */
async function measureWaiters({ bench: { size, say }, client, control, db }: Bed): Promise<Row[]> {
  const count = size.claims.waiters
  await atOnce(client, await countReady(db))
  say(`claims: ${count} that wait for the next instances`)
  const since = await historyNow(db)
  const waiting = Promise.all(Array.from({ length: count }, () => client.claim({ waitMs: 60_000 })))
  await control.releaseCreations()
  const { succeeded, refusals } = judge(await waiting)
  const { p50, max } = summarize(await servingDelays(db, since))
  return [
    row(`${count} that wait on an empty pool: served`, `${succeeded} ${refusals}`.trim(), `${count}`, succeeded === count),
    row('  after the instance was ready: p50 / slowest', `${ms(p50)} / ${ms(max)}`, '< 100 ms', max < 100),
  ]
}

/** From the probe that saw a change to the row that shows it. */
async function measureHealth({ bench: { size, say }, control, db }: Bed): Promise<Row[]> {
  const ids = await readyInstances(db, size.claims.faulted)
  say(`health: ${ids.length} instances turn unhealthy, and healthy again`)
  const turn = async (ready: boolean) => {
    const seen = new Map<string, number>()
    await eventually(
      `the pool knows that they are ${ready ? 'healthy' : 'unhealthy'}`,
      async () => {
        for (const { id, ms: delay } of await knownHealth(db, { ids, ready })) if (!seen.has(id)) seen.set(id, delay)
        return seen.size === ids.length
      },
      { timeoutMs: 30_000, everyMs: 20 },
    )
    return [...seen.values()]
  }
  for (const id of ids) await control.makeUnhealthy(id)
  const worse = await turn(false)
  await control.clearFaults()
  const { p50, max } = summarize([...worse, ...(await turn(true))])
  return [row('a change of health is known to pool: p50 / slowest', `${ms(p50)} / ${ms(max)}`, '< 2 s', max < 2000)]
}

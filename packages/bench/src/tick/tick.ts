/** The full look at a fleet: pool's own time for it, and the memory it takes. */
import { fork } from 'node:child_process'
import { on } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectDatabase } from '@convos/kit'
import { type Bench, SILENT } from '../bench.ts'
import { scratchDatabase } from '../database.ts'
import { ms, type Row, row } from '../report.ts'
import { quantile } from '../stats.ts'
import { Pass } from './messages.ts'
import { startHealthyServices } from './services.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))
const TARGET_MS: Record<number, number> = { 1000: 300, 10_000: 2000 }
const TARGET_RSS = 150 * 2 ** 20
/** Newer than what a row shows by more than this is written down. */
const NEWS_MS = 31_000

interface Fleet {
  quietMs: number
  newsMs: number
  rssBytes: number
}

export async function measureTick(bench: Bench): Promise<Row[]> {
  const { fleets } = bench.size.tick
  const measured: (Fleet & { size: number })[] = []
  for (const size of fleets) measured.push({ size, ...(await measureFleet(bench, size)) })
  const rows = measured.flatMap(({ size, quietMs, newsMs, rssBytes }) => {
    const target = TARGET_MS[size] ?? Infinity
    return [
      row(`tick over ${size} rows, all with news / none`, `${ms(newsMs)} / ${ms(quietMs)}`, `< ${ms(target)}`, newsMs < target),
      row('  memory on top of an idle pool', `${(rssBytes / 2 ** 20).toFixed(0)} MiB`, '< 150 MiB', rssBytes < TARGET_RSS),
    ]
  })
  const [first, last] = [measured[0], measured.at(-1)]
  if (!first || !last || first === last) return rows
  const growth = last.newsMs / first.newsMs / (last.size / first.size)
  return [...rows, row(`  time per row at ${last.size} : at ${first.size}`, growth.toFixed(2), '≤ 1.5 (linear)', growth <= 1.5)]
}

async function measureFleet({ size, say, cleanup }: Bench, count: number): Promise<Fleet> {
  say(`tick: a fleet of ${count}`)
  const url = await scratchDatabase(cleanup)
  await seedFleet(url, count)
  const services = await startHealthyServices((id) => (id.startsWith('u') ? `claim-${id}` : null))
  cleanup.defer(async () => void (await services.close()))
  const env = { ...process.env, POOL_ENVIRONMENT: 'dev', DATABASE_URL: url, POOL_MIN_IDLE: '0', SERVICES_URL: services.url }
  const keys = { POOL_API_KEY: 'bench-pool-key-0123456789', SERVICES_API_KEY: 'bench-services-key-0123456789' }
  const worker = fork(WORKER, { env: { ...env, ...keys } })
  cleanup.defer(() => void worker.kill())
  const messages = on(worker, 'message', { close: ['exit'] })
  const next = async () => {
    const { value, done } = (await messages.next()) as IteratorResult<[unknown], undefined>
    if (done) throw new Error('the process that ticks ended')
    return Pass.parse(value[0])
  }
  const look = async () => {
    worker.send('look')
    return next()
  }
  const idle = await next()
  // the first pass meets rows that know nothing yet, and plans that are not made
  const passes = { warm: [await look()], quiet: [] as Pass[], news: [] as Pass[] }
  for (let n = 1; n <= size.tick.passes; n++) {
    passes.quiet.push(await look())
    services.answeredAt = new Date(Date.parse(services.answeredAt) + NEWS_MS).toISOString()
    passes.news.push(await look())
  }
  const median = (all: Pass[]) =>
    quantile(
      all.map((pass) => pass.ms),
      0.5,
    )
  const all = Object.values(passes).flat()
  worker.kill()
  return {
    quietMs: median(passes.quiet),
    newsMs: median(passes.news),
    rssBytes: Math.max(...all.map((pass) => pass.rssBytes)) - idle.rssBytes,
  }
}

/** One in ten waits for a claim, the others are in use. */
async function seedFleet(url: string, count: number): Promise<void> {
  const db = connectDatabase({ url, log: SILENT })
  try {
    await db.query({
      values: [count],
      text: `
        insert into instances (id, status, status_since, claim_id, conversation_id, touched_at, created_at)
        select id, case when ready then 'ready' else 'claimed' end, clock_now() - interval '1 hour',
          case when not ready then 'claim-' || id end, case when not ready then 'conversation' end,
          case when not ready then clock_now() end, clock_now() - interval '1 day'
        from (select (case when n % 10 = 0 then 'r' else 'u' end) || lpad(n::text, 11, '0') as id, n % 10 = 0 as ready
          from generate_series(1, $1::int) n) as made`,
    })
    await db.query({
      text: `
        insert into claims (id, principal, body_hmac, mode, agent_name, state, instance_id, wait_until, lease_until)
        select claim_id, 'key:bench', 'hmac', 'create', 'Assistant', 'done', id, clock_now(), clock_now()
        from instances where claim_id is not null`,
    })
    await db.query('vacuum analyze instances, claims')
  } finally {
    await db.end()
  }
}

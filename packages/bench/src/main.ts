/** `pnpm bench`: measures, and prints what came of it beside what is promised. */
import { cpus, loadavg, totalmem } from 'node:os'
import { Usage } from '@convos/kit'
import type { Bench, Measure } from './bench.ts'
import { measureClaims } from './claims/claims.ts'
import { type BenchOptions, HELP, parseOptions, type Part } from './options.ts'
import { allMet, type Row, table } from './report.ts'
import { measureReservation } from './reservation.ts'
import { measureTick } from './tick/tick.ts'

const MEASURES: Record<Part, Measure> = { reservation: measureReservation, tick: measureTick, claims: measureClaims }

async function measure({ size, seed, parts }: BenchOptions): Promise<Row[]> {
  const began = performance.now()
  const say = (text: string) =>
    process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)
  const interruption = new AbortController()
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        interruption.abort()
        reject(new Error('interrupted'))
      })
  })
  const rows: Row[] = []
  for (const part of parts) {
    const bench: Bench = { size, seed, say, cleanup: new AsyncDisposableStack(), interrupted: interruption.signal }
    try {
      rows.push(...(await Promise.race([MEASURES[part](bench), interrupted])))
    } finally {
      await bench.cleanup.disposeAsync()
    }
  }
  return rows
}

const machine = () =>
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.version}`

const NOTE = `Client, pool, services, simulated providers and instances, and Postgres share this machine's ${cpus().length} cores.`

async function main(options: BenchOptions): Promise<number> {
  const busy = loadavg()[0]?.toFixed(1) ?? ''
  const rows = await measure(options)
  const at = new Date().toISOString()
  if (options.json)
    process.stdout.write(`${JSON.stringify({ at, machine: machine(), loadBefore: Number(busy), note: NOTE, rows }, null, 2)}\n`)
  else process.stdout.write(`\n${table(rows)}\n\n${at}  ${machine()}, load before ${busy}\n${NOTE}\n`)
  return options.strict && !allMet(rows) ? 1 : 0
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) process.stdout.write(HELP)
  process.exit(options === null ? 0 : await main(options))
} catch (err) {
  process.stderr.write(err instanceof Usage ? `${err.message}\n\n${HELP}` : `${(err as Error).stack}\n`)
  process.exit(err instanceof Usage ? 2 : 1)
}

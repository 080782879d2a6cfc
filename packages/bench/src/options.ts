import { parseArgs } from 'node:util'
import { Usage } from '@convos/kit'

export const PARTS = ['reservation', 'tick', 'claims'] as const
export type Part = (typeof PARTS)[number]

/** How much is measured. */
export interface Size {
  reservation: { rounds: number; perRound: number; concurrent: number; fleet: number }
  tick: { fleets: readonly number[]; passes: number }
  claims: { sequential: number; burst: number; perSecond: number; sustainedMs: number; waiters: number; faulted: number }
}

const QUICK: Size = {
  reservation: { rounds: 4, perRound: 2000, concurrent: 50, fleet: 1000 },
  tick: { fleets: [1000], passes: 5 },
  claims: { sequential: 50, burst: 100, perSecond: 45, sustainedMs: 20_000, waiters: 20, faulted: 10 },
}

const FULL: Size = {
  reservation: { ...QUICK.reservation, rounds: 10 },
  tick: { fleets: [1000, 10_000], passes: 5 },
  claims: { ...QUICK.claims, burst: 300, sustainedMs: 60_000 },
}

export interface BenchOptions {
  size: Size
  parts: readonly Part[]
  json: boolean
  strict: boolean
  /** Of the arrivals: the same seed is the same load. */
  seed: number
}

export const HELP = `Measures what this repository promises, on this machine, and says whether it is reached.

  npx -y pnpm@12 bench [options]

  --quick        less of everything: 20 s of sustained claims, a burst of 100, a tick over 1 000 rows (about 4 minutes)
  --only PARTS   some of ${PARTS.join(',')} (default: all)
  --seed N       of the random arrivals (default 1)
  --json         the report as JSON
  --strict       exit with 1 when a target is missed
  --help         this text

Everything runs here: nothing outside 127.0.0.0/8 is called, and what was started is stopped and removed at the end.
Progress goes to stderr, the report to stdout. Exit codes: 0 measured, 1 failed (or missed, with --strict), 2 called wrongly.
`

/** Null asks for the help text. @throws Usage */
export function parseOptions(args: readonly string[]): BenchOptions | null {
  let values
  try {
    values = parseArgs({
      args: args.filter((arg) => arg !== '--'),
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: PARTS.join(',') },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (err) {
    throw new Usage((err as Error).message)
  }
  if (values.help) return null
  const wanted = values.only.split(',')
  const unknown = wanted.find((name) => !PARTS.some((part) => part === name))
  if (unknown !== undefined) throw new Usage(`--only: "${unknown}" is none of ${PARTS.join(', ')}`)
  const seed = Number(values.seed)
  if (!Number.isInteger(seed)) throw new Usage('--seed takes a whole number')
  const { json, strict } = values
  return { size: values.quick ? QUICK : FULL, parts: PARTS.filter((part) => wanted.includes(part)), json, strict, seed }
}

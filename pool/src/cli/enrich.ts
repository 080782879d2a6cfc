import {
  type OpenedDatabase,
  processTerminal,
  Refused,
  runCommand,
  type Command,
  type Terminal,
  withOwnDatabase,
} from '@convos/kit'
import { type Config, readConfig } from '../config.ts'
import { LIMITS } from '../limits.ts'
import { type Done, enrich as enrichDatabase } from '../recover/index.ts'
import { createServices } from '../services/client.ts'
import { ServicesError } from '../services/errors.ts'
import { table } from './table.ts'

type Opened = OpenedDatabase<Config>

const enrich: Command<Opened> = {
  name: 'enrich',
  summary: 'takes back from services what this database has lost',
  usage: 'usage: enrich [--apply]',
  help: `  For a database that is new in place of a lost one, or older than the world: writes rows for the instances that services has and pool
  does not know, and whose those are that it knows as nobody's. An agent that somebody has comes back as crashed, and is claimed as
  soon as it answers as that claim's; what is nobody's has to prove itself. Nothing is handed out by this, and nothing destroyed.
  Without --apply it only tells. A pool may run meanwhile; twice is fine.

  Its name comes back as its project bears it; instructions, template, owner, principal, protection and end do not.

  --apply       write it down`,
  options: { apply: { type: 'boolean' } },
  async run({ db, config, terminal, values, json }) {
    const dryRun = values['apply'] !== true
    const services = createServices({ ...config.services, environment: config.environment, limits: LIMITS })
    const found = await enrichDatabase({ db, services }, { dryRun }).catch((err: unknown) => {
      throw err instanceof ServicesError ? new Refused(`services cannot be asked: ${err.message}`, { cause: err }) : err
    })
    terminal.out(json ? JSON.stringify({ dryRun, found }, null, 2) : told(found, dryRun))
    return found.some(({ kind }) => kind === 'leave') ? 1 : 0
  },
}

const WHAT = { add: 'row', complete: 'owner', leave: 'left' } as const

function told(found: readonly Done[], dryRun: boolean): string {
  const count = (kind: Done['kind']) => found.filter((one) => one.kind === kind).length
  const head = dryRun ? 'nothing was written (say --apply)' : 'done'
  const sum = `${count('add')} rows that were lost, ${count('complete')} owners that were not known, ${count('leave')} left as they are`
  const rows = found.map((one) => [one.id, WHAT[one.kind], one.as ?? '', one.agentName ?? '', one.claimId ?? '', one.why])
  return [
    head,
    sum,
    ...(rows.length > 0 ? ['', table([['INSTANCE', 'WHAT', 'AS', 'AGENT', 'CLAIM', 'WHY'], ...rows])] : []),
  ].join('\n')
}

/** Runs it on the database and the services that pool's own variables name; answers the exit code. */
export const runEnrich = (argv: readonly string[], terminal: Terminal): Promise<number> =>
  runCommand<Opened, Terminal>(['enrich', ...argv], terminal, {
    about: 'Works on the database of pool.',
    commands: [enrich],
    options: {},
    optionsHelp: '',
    notes: "It works on the database and the services that pool's own variables name.",
    within: (_values, work) =>
      withOwnDatabase(terminal, { service: 'pool', readConfig, urlOf: ({ database }) => database.directUrl }, work),
  })

if (import.meta.main) process.exitCode = await runEnrich(process.argv.slice(2), processTerminal(process.env))

import {
  type AskingTerminal,
  type Command,
  confirm,
  type Database,
  type OpenedDatabase,
  processTerminal,
  Refused,
  runCommand,
  withOwnDatabase,
  withTransaction,
} from '@convos/kit'
import { type Config, readConfig } from '../config.ts'
import {
  countOthers,
  distrustClaims,
  distrustReady,
  dropPassedEnds,
  dropSessionsAndLeases,
  dropUnbegun,
  placeEvents,
} from '../db/restore.ts'

export interface Restored {
  /** Instances that have to prove themselves again. */
  ready: number
  /** Claims that are ended by what their boxes say. */
  claims: number
  /** Ends of agents that had passed meanwhile, and were taken off. */
  ends: number
  /** Items of operations that are not begun any more. */
  items: number
}

/** Makes an older copy of pool's database safe to run, all of it or nothing. */
export const makeSafe = (db: Database): Promise<Restored> =>
  withTransaction(db, async (tx) => {
    const ready = await distrustReady(tx)
    const claims = await distrustClaims(tx)
    const ends = await dropPassedEnds(tx)
    const items = await dropUnbegun(tx)
    await dropSessionsAndLeases(tx)
    await placeEvents(tx)
    return { ready, claims, ends, items }
  })

type Opened = OpenedDatabase<Config>

/** @throws Refused while a pool is at work on it */
async function refuseBesideOthers(db: Database): Promise<void> {
  const others = await countOthers(db)
  if (others > 0) throw new Refused(`a pool may be at work on this database (${others} connections): stop it, or say --force`)
}

const afterRestore: Command<Opened, AskingTerminal> = {
  name: 'after-restore',
  summary: 'makes an older copy of the database safe to run',
  usage: 'usage: after-restore [--yes] [--force]',
  help: `  For a database that was restored from a backup, before pool is started on it: what was ready has to prove itself again, claims under
  way are ended by what their agents say, ends that passed meanwhile are taken off, operations begin nothing more, sessions end.
  Nothing is destroyed. Twice is fine. Keys that were revoked since are valid again until they are revoked again: "pnpm keys list".

  --yes         do not ask
  --force       even while other connections are alive
`,
  options: { yes: { type: 'boolean' }, force: { type: 'boolean' } },
  async run({ db, meta, terminal, values, json }) {
    const forced = values['force'] === true
    if (!forced) await refuseBesideOthers(db)
    await confirm(terminal, {
      yes: values['yes'] === true,
      warning: `The database of environment "${meta.environment}" (deployment ${meta.deploymentId}) is taken for an older copy.`,
      word: meta.environment,
    })
    // whoever was asked may have taken their time
    if (!forced) await refuseBesideOthers(db)
    const done = await makeSafe(db)
    const { ready, claims, ends, items } = done
    terminal.out(
      json
        ? JSON.stringify(done, null, 2)
        : `${ready} ready instances have to prove themselves again; ${claims} claims are ended; ${ends} ends taken off; ${items} items not begun`,
    )
    return 0
  },
}

/** Runs it on the database that pool's own variables name; answers the exit code. */
export const runAfterRestore = (argv: readonly string[], terminal: AskingTerminal): Promise<number> =>
  runCommand<Opened, AskingTerminal>(['after-restore', ...argv], terminal, {
    about: 'Works on the database of pool.',
    commands: [afterRestore],
    options: {},
    optionsHelp: '',
    notes: "It works on the database that pool's own variables name (DATABASE_DIRECT_URL, else DATABASE_URL).",
    within: (_values, work) =>
      withOwnDatabase(terminal, { service: 'pool', readConfig, urlOf: ({ database }) => database.directUrl }, work),
  })

if (import.meta.main) process.exitCode = await runAfterRestore(process.argv.slice(2), processTerminal(process.env))

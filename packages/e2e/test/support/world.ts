/** Providers and a database server that several environments share. */
import { type SimulatorServer, startSimulators } from '@convos/sandbox'
import { createDatabase, createStack, eventually, type Stack, type TestDatabase } from '@convos/sandbox/testing'
import pg from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'
import { z } from 'zod'
import { poolClient } from './pool.ts'

const Thing = z.looseObject({ id: z.string(), instanceId: z.string().nullable().optional() })
const Everything = z.record(z.string(), z.record(z.string(), z.array(Thing)))
type Thing = z.infer<typeof Thing>

/** What the providers hold, by provider and kind: `railway.projects`, `agentmail.inboxes`, … */
export type Holdings = Record<string, Thing[]>

export type World = ReturnType<typeof worldOn>
export type Environment = Awaited<ReturnType<World['start']>>

/** One set of simulators for all tests of a file, with virtual instances. */
export function useWorld(): World {
  const world = {} as World
  let simulators: SimulatorServer
  beforeAll(async () => {
    simulators = await startSimulators({ railway: { host: 'virtual', projectIntervalMs: 0 } })
    Object.assign(world, worldOn(simulators))
  })
  afterAll(async () => {
    await world.close()
    await simulators.close()
  })
  return world
}

function worldOn(simulators: SimulatorServer) {
  const stacks: Stack[] = []
  const databases: Pick<TestDatabase, 'drop'>[] = []
  const admin = inject('postgresUrl')
  const newDatabase = async () => {
    const database = await createDatabase(admin, { template: 'empty', migrate: async () => {} })
    databases.push(database)
    return database.url
  }
  /** Services and pool of an environment with databases of their own; nothing runs yet. */
  const create = async <Name extends 'dev' | 'staging'>(name: Name, idle: number) => {
    const databasesOf = { pool: await newDatabase(), services: await newDatabase() }
    const stack = await createStack({ environment: name, simulatorsUrl: simulators.url, databases: databasesOf, idle })
    stacks.push(stack)
    return { ...stack, name, databases: databasesOf }
  }
  return {
    admin,
    simulators,
    create,
    /** An empty one, which nothing has migrated; dropped after the tests. */
    newDatabase,
    /** Drops it after the tests. */
    keep: (database: Pick<TestDatabase, 'drop'>) => void databases.push(database),

    /** Services and pool of an environment, started; what `env` names stands in place of their own. */
    async start<Name extends 'dev' | 'staging'>(name: Name, idle: number, env: Record<string, string> = {}) {
      const stack = await create(name, idle)
      const pool = poolClient({ poolUrl: stack.pool.url, poolApiKey: stack.pool.apiKey })
      await stack.services.start(env)
      await stack.pool.start(env)
      return {
        ...stack,
        api: pool,
        /** What its services' database says that there is outside. */
        ledger: async (): Promise<Record<string, string[]>> => {
          const rows = await query<{ what: string; id: string }>(stack.databases.services, LEDGER)
          return idsByKind(rows)
        },
      }
    },

    /** What there is of these instances at every provider. */
    async holdings(instanceIds: readonly string[]): Promise<Holdings> {
      const everything = Everything.parse(await (await fetch(`${simulators.url}/_control/resources`)).json())
      const lists = Object.entries(everything).flatMap(([provider, kinds]) =>
        Object.entries(kinds).map(([kind, things]): [string, Thing[]] => [
          `${provider}.${kind}`,
          things.filter(({ instanceId }) => instanceId && instanceIds.includes(instanceId)),
        ]),
      )
      return Object.fromEntries(lists.filter(([, things]) => things.length > 0))
    },

    async close() {
      for (const stack of stacks) await stack.close()
      for (const database of databases) await database.drop()
    },
  }
}

/** A wallet of the agent's own is at no provider. */
const LEDGER = `
  select 'railway/project' as what, place ->> 'projectId' as id from instance_infra where phase <> 'destroyed'
  union all
  select tool_id || '/' || kind, split_part(resource_id, '/', case kind when 'key' then -1 else 1 end) from instance_services
  where state not in ('destroyed', 'retained', 'user_provided') and tool_id <> 'wallet'
  order by 1, 2`

/** Where the simulators show each kind of the ledger. */
export const SHOWN: Record<string, string> = {
  'railway.projects': 'railway/project',
  'openrouter.keys': 'openrouter/key',
  'agentmail.inboxes': 'email/inbox',
  'agentmail.inboxKeys': 'email/key',
  'telnyx.numbers': 'sms/number',
  'bankr.wallets': 'crypto/wallet',
}

const idsByKind = (things: { what: string; id: string }[]): Record<string, string[]> =>
  Object.fromEntries(
    [...Map.groupBy(things, ({ what }) => what)].map(([what, group]) => [what, group.map(({ id }) => id).toSorted()]),
  )

/** The same in the ledger's words; a wallet whose key was taken from it is what stays of one. */
export const heldAs = (held: Holdings): Record<string, string[]> =>
  idsByKind(
    Object.entries(held).flatMap(([shown, things]) =>
      things.flatMap(({ id, keyActive }) => {
        const what = SHOWN[shown]
        return what === undefined || keyActive === false ? [] : [{ what, id }]
      }),
    ),
  )

export async function query<R extends pg.QueryResultRow>(url: string, text: string, values: unknown[] = []): Promise<R[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<R>(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Nobody is at it any more: a claim is done before its place has the agent's name, and what is being changed is left to a later pass. */
export const atRest = ({ databases, name }: Pick<Environment, 'databases' | 'name'>, instanceId: string) =>
  eventually(
    `nobody of ${name} is at ${instanceId}`,
    () =>
      query(
        databases.services,
        'select 1 from instance_infra where instance_id = $1 and next_run_at is null and runner_id is null',
        [instanceId],
      ).then(({ length }) => length === 1),
    { timeoutMs: 30_000 },
  )

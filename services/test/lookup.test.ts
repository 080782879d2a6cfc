import { randomBytes } from 'node:crypto'
import { connectDatabase, createLogger, type Database } from '@convos/kit'
import { createDatabase, type TestDatabase } from '@convos/sandbox/testing'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { migrateServices } from '../src/db/migrate.ts'
import { ProviderError } from '../src/infra/errors.ts'
import type { InfraProvider, PlaceOf } from '../src/infra/provider.ts'
import { lookUpSilent } from '../src/lookup.ts'
import { createSignal } from '../src/signal.ts'
import { fakeInfra } from './support/fake-infra.ts'

const log = createLogger('test', 'silent')
let database: TestDatabase
let db: Database
let asked: PlaceOf[][]
let status: InfraProvider['status']

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'), {
    template: 'services',
    migrate: (url) => migrateServices({ url, environment: 'dev' }),
  })
  db = connectDatabase({ url: database.url, prepared: true, log })
})
afterAll(async () => {
  await db.end()
  await database.drop()
})
beforeEach(async () => {
  await db.query('truncate instance_infra, provider_slots cascade')
  asked = []
  status = () => Promise.resolve(new Map())
})

const look = () =>
  lookUpSilent({
    db,
    changed: createSignal(),
    infra: {
      ...fakeInfra(() => '').provider,
      status(places, p) {
        expect(p).toEqual({ atLeisure: true })
        asked.push(places)
        return status(places, p)
      },
    },
  })

/** Running instances, `silent` of them without an answer for a while. */
async function fleet(p: { silent: number; healthy: number }): Promise<void> {
  const ids = Array.from({ length: p.silent + p.healthy }, () => randomBytes(6).toString('hex'))
  await db.query(
    `insert into instance_infra (instance_id, phase, project_name, image, place, next_lookup_at)
     select id, 'running', id, 'image', jsonb_build_object('projectId', id), case when n <= $2 then clock_now() end
     from unnest($1::text[]) with ordinality as i (id, n)`,
    [ids, p.silent],
  )
}
const slotFreeInMs = async () => {
  const { rows } = await db.query<{ ms: number }>(
    `select (extract(epoch from next_at - clock_now()) * 1000)::float8 as ms from provider_slots where name = 'railway:lookup'`,
  )
  return rows[0]?.ms ?? 0
}

test('a healthy fleet costs nothing', async () => {
  await fleet({ silent: 0, healthy: 100 })
  await look()
  expect(asked).toEqual([])
})

test('a hundred silent instances cost four requests, each one is asked about once, and no other look begins for as long as that is worth', async () => {
  await fleet({ silent: 100, healthy: 100 })
  await look()
  expect(asked.map((places) => places.length)).toEqual([25, 25, 25, 25])
  expect(new Set(asked.flat().map(({ instanceId }) => instanceId)).size).toBe(100)
  expect(await slotFreeInMs()).toBeGreaterThan(7_000)
  await look()
  expect(asked).toHaveLength(4)
})

test('a look ends with the last that was silent when it began, however slowly it is answered', async () => {
  await fleet({ silent: 100, healthy: 0 })
  status = async () => {
    if (asked.length > 10) throw new Error('it goes on and on')
    // by the time of the answer those that were asked about before are due again
    await db.query('update instance_infra set next_lookup_at = clock_now() where next_lookup_at > clock_now()')
    return new Map()
  }
  await look()
  expect(asked.length).toBeLessThanOrEqual(5)
  expect(new Set(asked.flat().map(({ instanceId }) => instanceId)).size).toBe(100)
  expect(await slotFreeInMs()).toBeGreaterThan(7_000)
})

test('two replicas look once', async () => {
  await fleet({ silent: 30, healthy: 0 })
  await Promise.all([look(), look()])
  expect(asked).toHaveLength(2)
})

test('a look ends where the provider says so, and the next waits for as long', async () => {
  await fleet({ silent: 100, healthy: 0 })
  const p = { provider: 'railway', operation: 'x', kind: 'rate_limited', uncertain: false, retryAfterMs: 600_000 } as const
  status = () => Promise.reject(new ProviderError('slow down', p))
  await expect(look()).rejects.toThrow('slow down')
  expect(asked).toHaveLength(1)
  expect(await slotFreeInMs()).toBeGreaterThan(590_000)
})

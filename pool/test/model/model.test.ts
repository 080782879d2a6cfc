/**
 * Histories drawn at random: three replicas of the real pool on one Postgres and a simulated services, with claims, faults and
 * crashes in between. After each, every law is held against what really happened.
 */
import { connectDatabase, createLogger, type Database, withTransaction } from '@convos/kit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { testDatabase } from '../harness.ts'
import { histories, KINDS } from './commands.ts'
import { play } from './history.ts'
import type { Time } from './time.ts'
import { CALLS, FAULTS_OF_CALLS } from './faults.ts'

const RUNS = Number(process.env['MODEL_RUNS'] ?? 100)
const SEED = Number(process.env['MODEL_SEED'] ?? Date.now() % 1_000_000_000)

/** More than ever wait for a lock at once. */
const CONNECTIONS = 60

/** So many runs meet with every command and a fault of every call; */
const ENOUGH_FOR_EACH = 100
/** so many with every fault of every call. */
const ENOUGH_FOR_ALL = 1_000

let drawn = 0
vi.mock('../../src/naming.ts', async (original) => ({
  ...(await original<typeof import('../../src/naming.ts')>()),
  // the same in every replay
  newInstanceId: () => `box${String(drawn++).padStart(9, '0')}`,
  newClaimId: () => `clm_${drawn++}`,
  newOperationId: () => `op_${drawn++}`,
}))

let database: Awaited<ReturnType<typeof testDatabase>>
let db: Database
beforeAll(async () => {
  database = await testDatabase()
  db = connectDatabase({ url: database.url, max: CONNECTIONS, log: createLogger('model', 'silent') })
})
afterAll(async () => {
  await db.end()
  await database[Symbol.asyncDispose]()
})

const EMPTY = `
  delete from operation_items; delete from operations; delete from instance_events; delete from claims; delete from instances;
  delete from leases; delete from images; delete from alerts; delete from heartbeats; delete from stats_minutes;
  update settings set paused = false, seeded_at = null, edited = '{}', wanted_image = null, wanted_since = null`

/** No row is taken down as pool does it. */
const empty = () =>
  withTransaction(db, async (tx) => {
    await tx.query('set local convos.unaudited = on')
    await tx.query(EMPTY)
  })

test(`the laws hold in ${RUNS} histories (MODEL_SEED=${SEED})`, { timeout: 1_800_000 }, async () => {
  const counts = new Map<string, number>()
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1)
  let steps = 0
  let time: Time | null = null
  // deadlines are measured with it; a spy would remember every call
  const { now } = performance
  const { random } = Math
  performance.now = () => time?.now() ?? now.call(performance)
  // how long a pause after a failure is
  Math.random = () => 0.5
  const began = Date.now()
  try {
    const property = fc.asyncProperty(histories, async (history) => {
      drawn = 0
      await empty()
      count('histories')
      steps += await play(history, { real: db, count, onTime: (its) => (time = its) })
    })
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: process.env['MODEL_SHRINK'] === 'off' })
  } finally {
    performance.now = now
    Math.random = random
    const lines = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([what, n]) => `  ${what}: ${n}`)
    console.log(`MODEL_SEED=${SEED}: ${steps} steps in ${Date.now() - began} ms\n${lines.join('\n')}`)
  }
  // a model that exercises nothing proves nothing; few runs cannot meet with every fault of every call
  const faults = FAULTS_OF_CALLS.filter(({ call, kind }) => counts.has(`fault: ${call} ${kind}`))
  if (RUNS < ENOUGH_FOR_EACH) return
  expect(KINDS.filter((kind) => !counts.has(`command: ${kind}`))).toEqual([])
  expect(CALLS.filter((call) => !faults.some((fault) => fault.call === call))).toEqual([])
  if (RUNS >= ENOUGH_FOR_ALL) expect(FAULTS_OF_CALLS.filter((fault) => !faults.includes(fault))).toEqual([])
})

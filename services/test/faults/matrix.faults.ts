import { setTimeout as delay } from 'node:timers/promises'
import type { Effect, FaultRule, RequestEntry } from '@convos/sandbox'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { newId } from '../support/harness.ts'
import { LIFE, type Scenario } from './scenarios.ts'
import { held, recorded } from './truth.ts'
import { createWorld, type World } from './world.ts'

/**
 * Every external call of every step, under every fault. Which calls there are is not listed here: a life without faults is watched, and each call
 * that a scenario makes becomes a row. Many instances walk through each scenario at once, so that every fault strikes one of them.
 */
const EFFECTS: { name: string; effect: (call: Call) => FaultRule['effect']; kill?: true }[] = [
  { name: 'refused', effect: refusal },
  {
    name: 'error before the effect',
    effect: (call) => (isOfInstance(call) ? onInstance('drop-before') : { kind: 'drop-before' }),
  },
  {
    name: 'effect, then the answer is lost',
    effect: (call) => (isOfInstance(call) ? onInstance('drop-after') : { kind: 'drop-after' }),
  },
  { name: 'hang past the deadline', effect: (call) => (isOfInstance(call) ? onInstance('hang') : { kind: 'hang' }) },
  {
    name: 'kill -9 right after the effect',
    effect: (call) => (isOfInstance(call) ? onInstance('hang-after') : { kind: 'hang-after' }),
    kill: true,
  },
]
const FLEET = 16

interface Call {
  asked: RequestEntry['provider']
  label: string
  match: NonNullable<FaultRule['match']>
}

const isOfInstance = ({ asked }: Call): boolean => asked === 'instances'

/** No answer that was understood as "no" may count as anything but no. */
function refusal(call: Call): FaultRule['effect'] {
  if (isOfInstance(call)) return onInstance('error-500')
  if (call.asked === 'railway') return { kind: 'graphql-error', message: 'Not Authorized' }
  return {
    kind: 'status',
    status: 422,
    body: { errors: [{ code: '10027', title: 'no' }], message: 'no', error: { code: 422, message: 'no' } },
  }
}

function onInstance(how: Extract<Effect, { kind: 'instance' }>['how']): FaultRule['effect'] {
  return { kind: 'instance', how }
}

/** What tells one call from another: its operation, or its path without what differs from one resource to the next. */
function callOf({ provider, operation, method, path }: RequestEntry): Call | null {
  if (operation !== undefined) return { asked: provider, label: operation, match: { operation } }
  const own = path.replace(new RegExp(`^/${provider}(/api)?(/v\\d+)?`), '')
  const fixed = own.split('/').map((part) => (/^[a-z_-]*$/.test(part) && part !== 'latest' ? part : '*'))
  const pattern = `*${fixed.join('/')}`
  return { asked: provider, label: `${method} ${fixed.join('/')}`, match: { method, path: pattern } }
}

/** Probes run all the time, whatever the scenario, and images are resolved once a minute. */
const isScenarios = ({ provider }: RequestEntry) => provider !== 'ghcr'

async function watch(world: World, work: () => Promise<unknown>): Promise<Call[]> {
  const since = new Date()
  await work()
  const calls = world.sim.requests
    .list({ since })
    .filter(isScenarios)
    .map(callOf)
    .filter((call) => call !== null)
  return [...new Map(calls.map((call) => [`${call.asked} ${call.label}`, call])).values()]
}

const rows = new Map<Scenario, Call[]>()
let world: World

beforeAll(async () => {
  world = await createWorld(inject('postgresUrl'), { replicas: 1 })
})
afterAll(() => world.close())

test('a life without faults makes the calls that the matrix is made of, and takes every step there is', async () => {
  const id = newId()
  const taken = new Map<Scenario, string[]>()
  for (const scenario of LIFE) {
    rows.set(scenario, await watch(world, () => scenario.run(world, id)))
    const { rows: log } = await world.db.query<{ step: string }>('select step from saga_log where instance_id = $1', [id])
    taken.set(
      scenario,
      log.map(({ step }) => step),
    )
    for (const step of scenario.steps)
      expect(taken.get(scenario), `${scenario.name} takes ${step}`).toContainEqual(expect.stringMatching(step))
    expect(await held(world)).toEqual(await recorded(world))
  }
  const declared = LIFE.flatMap(({ steps }) => steps)
  const unknown = [...taken.values()].flat().filter((step) => !declared.some((pattern) => pattern.test(step)))
  expect(unknown, 'steps that no scenario declares').toEqual([])
  for (const [{ name }, calls] of rows) expect(calls.length, `${name} makes calls`).toBeGreaterThan(0)
  const size = [...rows.values()].flat().length
  console.log(`fault matrix: ${size} calls in ${rows.size} scenarios × ${EFFECTS.length} faults = ${size * EFFECTS.length} cases`)
  for (const [{ name }, calls] of rows) console.log(`  ${name}: ${calls.map(({ label }) => label).join(', ')}`)
})

describe.each(EFFECTS)('$name', ({ effect, kill }) => {
  test('everything converges, and providers hold what the ledger says', async () => {
    const hanging = effect({ asked: 'openrouter', label: '', match: {} }).kind === 'hang'
    await world.close()
    world = await createWorld(inject('postgresUrl'), { replicas: hanging ? 3 : 1 })
    const fleet = Array.from({ length: FLEET }, newId)
    for (const [scenario, calls] of rows) {
      const rules = calls.map((call) =>
        world.sim.faults.add({
          provider: call.asked === 'instances' ? 'railway' : call.asked,
          match: call.match,
          times: 1,
          effect: effect(call),
        }),
      )
      const done = Promise.all(fleet.map((id) => scenario.run(world, id)))
      const life = { over: false }
      const ended = () => void (life.over = true)
      void done.then(ended, ended)
      for (let rounds = 1; !life.over; rounds++) {
        await delay(250)
        const holding = rules.filter((rule) => rule.held > 0)
        if (kill && holding.length > 0) {
          await world.killAll(() => {
            for (const rule of holding) world.sim.faults.clear(rule.id)
          })
        } else if (scenario.name === 'destroy' && rounds % 40 === 0 && quiet(world)) await world.sleepThrough()
      }
      await done
      const missed = calls.filter((_, index) => rules[index]?.hits === 0).map(({ label }) => label)
      expect(missed, `${scenario.name}: faults that struck nobody`).toEqual([])
      world.sim.faults.clear()
      expect(await held(world), `after ${scenario.name}`).toEqual(await recorded(world))
    }
  })
})

/** Nobody is in the middle of a call. */
const quiet = (w: World): boolean => w.sim.faults.list().every(({ held: waiting }) => waiting === 0)

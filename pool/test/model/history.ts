import type { Database } from '@convos/kit'
import type { History } from './commands.ts'
import { assertAlways, assertAnswered, assertConverged, isQuiet } from './laws.ts'
import { perform } from './perform.ts'
import { type Count, turn } from './schedule.ts'
import { REPLICAS, type Simulation, startSimulation } from './simulation.ts'
import type { Time } from './time.ts'

/** Leases of claims and of the tick run out, then the proofs of being stuck, then hours of the cap and of backing off. */
const TO_CONVERGE = [61_000, 46_000, 61_000, 61_000, ...Array.from({ length: 30 }, () => 3_601_000)]
/** After this round every claim's time is over. */
const ALL_ANSWERED = 1
/** Rounds in a row that find nothing to do: what the first of them sees may have changed since. */
const QUIET_ROUNDS = 2
/** Of the steps before a law was broken, so many are shown. */
const STEPS_SHOWN = 120

/**
 * One history, from empty tables until everything has come to rest. Answers how many steps it took.
 * @throws Error naming the law that was broken, with the steps that led there
 */
export async function play(history: History, p: { real: Database; count: Count; onTime(time: Time): void }): Promise<number> {
  const sim = await startSimulation({ ...p, seed: history.seed })
  const { count, schedule, truth } = sim
  try {
    for (const command of history.commands) {
      schedule.trace.push(`# ${JSON.stringify(command)}`)
      if (await perform(sim, command)) count(`command: ${command.kind}`)
      await turn()
      await assertAlways(truth)
    }
    schedule.trace.push('# converge')
    await converge(sim)
    await assertAlways(truth)
    await assertConverged(truth)
    return schedule.trace.length
  } catch (err) {
    const said = err instanceof Error ? err.message : String(err)
    throw new Error(`${said}\nafter:\n${schedule.trace.slice(-STEPS_SHOWN).join('\n')}`, { cause: err })
  } finally {
    await sim.end()
  }
}

/** Nothing further goes wrong, and time goes by until nothing is left to do. */
async function converge(sim: Simulation): Promise<void> {
  const { faults, ledger, replicas, schedule, truth, world } = sim
  schedule.breakStatement(null)
  for (const { process } of replicas) process.crash = null
  await sim.thaw()
  await sim.settle()
  let quiet = 0
  for (const [round, ms] of TO_CONVERGE.entries()) {
    await sim.advance(ms)
    await sim.settle()
    if (round === 0) {
      // what was to go wrong with services has had its time: the sweep of lost claims may have met with it too
      faults.heal()
      world.nextWarmsUp('soon')
      world.repairImage()
      await sim.query('update settings set paused = false')
      for (let n = 0; n < REPLICAS; n++) sim.at(n)
      await sim.settle()
    }
    quiet = (await isQuiet(truth)) ? quiet + 1 : 0
    if (quiet === QUIET_ROUNDS) return
    if (round !== ALL_ANSWERED) continue
    assertAnswered(ledger)
    // one can do what is left
    for (const { process } of replicas.slice(1)) await schedule.kill(process)
  }
}

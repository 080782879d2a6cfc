import type { Database } from '@convos/kit'
import { seedSettings } from '../../src/db/settings.ts'
import { newInstanceId } from '../../src/naming.ts'
import { monitorOf } from './database.ts'
import { createFaults } from './faults.ts'
import { type Ledger, TARGET, type Truth, watchStock } from './laws.ts'
import { config, type Replica, startReplica } from './replica.ts'
import { type Count, createSchedule, turn } from './schedule.ts'
import { createTime, type Time } from './time.ts'
import { createWorld, FIRST_IMAGE } from './world.ts'

export const REPLICAS = 3
/** More steps than anything takes: a replica that never comes to rest is a fault. */
const STEPS_TO_REST = 5_000

export type Simulation = Awaited<ReturnType<typeof startSimulation>>

/** Three replicas of pool on an empty database and a world of their own, and everything that can be done to them. */
export async function startSimulation(p: { seed: number; real: Database; count: Count; onTime(time: Time): void }) {
  const { real, count } = p
  const time = createTime()
  p.onTime(time)
  const monitor = await monitorOf(real, time)
  const schedule = createSchedule({ seed: p.seed, count, waitsForLock: monitor.waitsForLock })
  const world = createWorld(time)
  const faults = createFaults(count)
  const ledger: Ledger = {
    entered: [],
    told: [],
    unanswered: new Set(),
    endedByHand: new Set(),
    broken: [],
    maxTarget: TARGET,
    rollouts: 0,
  }
  const truth: Truth = { world, ledger, query: monitor.query }
  const afterStatement = (names: readonly string[]) => watchStock(truth, names, time.now())
  const replicas: Replica[] = []
  let started = 0

  /** The replica in that place; a new one where it died. */
  function at(n: number): Replica {
    const there = replicas[n]
    if (there && there.process.state !== 'dead') return there
    const fresh = startReplica({ name: `pool-${++started}`, real, schedule, time, world, faults, afterStatement })
    replicas[n] = fresh
    return fresh
  }

  /** A pool that has had time to fill, and to trust its image, before its replicas start. */
  async function warmUp(): Promise<void> {
    await seedSettings(real, config.seeds)
    const ids = Array.from({ length: TARGET }, newInstanceId)
    for (const id of ids) world.seed(id)
    const text = `
      with image as (
        insert into images (image, trusted_at, last_ready_at) values ($2, clock_now(), clock_now()) returning image
      ),
      wanted as (update settings set wanted_image = image, wanted_since = clock_now() from image),
      made as (
        insert into instances (id, image, status, created_at, ready_at)
        select id, $2, 'ready', clock_now() - interval '1 h' + n * interval '1 s', clock_now()
        from unnest($1::text[]) with ordinality as seeded(id, n) returning id
      )
      insert into instance_events (instance_id, type, to_status, actor) select id, 'ready', 'ready', 'model' from made`
    await monitor.query(text, [ids, FIRST_IMAGE])
  }

  await warmUp()
  for (let n = 0; n < REPLICAS; n++) at(n)

  return {
    count,
    faults,
    ledger,
    replicas,
    schedule,
    time,
    truth,
    world,
    at,
    query: monitor.query,

    /** Begins what a caller asks of a replica; whoever asks is gone with it, and a failure is an answer. */
    ask: (work: () => Promise<unknown>) => void work().catch(() => {}),

    /** Lets everything take place until nothing is left to do at this moment. */
    async settle(): Promise<void> {
      for (let n = 0; n < STEPS_TO_REST; n++) {
        if ((await schedule.step()) || (await schedule.letOn())) continue
        await turn()
        if (schedule.idle()) return
      }
      throw new Error('the replicas do not come to rest')
    },

    async advance(ms: number): Promise<void> {
      time.advance(ms)
      world.grow()
      await turn()
    },

    /** Those who stood still go on; whether there were any. */
    async thaw(): Promise<boolean> {
      const frozen = replicas.filter(({ process }) => process.state === 'frozen')
      for (const { process } of frozen) process.state = 'running'
      time.wake()
      await turn()
      return frozen.length > 0
    },

    async end(): Promise<void> {
      for (const { process } of replicas) await schedule.kill(process)
      await monitor.release()
    },
  }
}

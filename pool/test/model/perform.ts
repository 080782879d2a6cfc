import { giveUp } from '../../src/claim/give-up.ts'
import { draftOf } from '../../src/claim/request.ts'
import { ClaimRequest } from '../../src/contract/index.ts'
import { changeSettings } from '../../src/db/settings.ts'
import { readInstance } from '../../src/db/instances.ts'
import type { Command } from './commands.ts'
import type { Waiting } from './laws.ts'
import { type Process, turn } from './schedule.ts'
import { REPLICAS, type Simulation } from './simulation.ts'
import type { Box } from './world.ts'

type Of<K extends Command['kind']> = Extract<Command, { kind: K }>

const INVITES = 'https://dev.convos.org'
const operator = { actor: 'operator', requestId: 'model' }

/** Carries a command out; false where there was nothing that it could be about. */
export async function perform(sim: Simulation, command: Command): Promise<boolean> {
  const act = ACTS[command.kind] as (s: Simulation, c: Command) => unknown
  return (await act(sim, command)) !== false
}

const ACTS: { [K in Command['kind']]: (sim: Simulation, command: Of<K>) => unknown } = {
  claim,
  stall,
  end,
  box: happen,

  async run({ schedule }, { steps }) {
    for (let n = 0; n < steps; n++) if (!(await schedule.step())) await turn()
  },
  settle: (sim) => sim.settle(),
  advance: (sim, { ms }) => sim.advance(ms),
  thaw: (sim) => sim.thaw(),

  fault: ({ faults }, { fault }) => faults.arm(fault),
  break: ({ schedule }, { in: inSteps, when }) => schedule.breakStatement({ in: inSteps, when }),
  release: ({ faults }, { nth }) => faults.release(nth),
  warmUp: ({ world }, { next }) => world.nextWarmsUp(next),

  crash(sim, { replica, in: inSteps, when }) {
    sim.at(replica).process.crash = { in: inSteps, when }
  },
  freeze(sim, { replica }) {
    sim.at(replica).process.state = 'frozen'
  },
  stop(sim, { replica }) {
    const { parts, process } = sim.at(replica)
    sim.ask(async () => {
      await parts.stop()
      await sim.schedule.kill(process)
      sim.count('stopped in order')
    })
  },

  push: ({ world }, { image }) => world.push(image),
  set(sim, { replica, minIdle, paused }) {
    const { ctx } = sim.at(replica)
    sim.ledger.maxTarget = Math.max(sim.ledger.maxTarget, minIdle)
    sim.ask(async () => {
      await changeSettings(ctx.db, { change: { minIdle, paused }, ...operator })
      ctx.signals.emit('shrunk')
    })
  },
  rollout(sim, { replica }) {
    const { operations } = sim.at(replica).parts
    sim.ledger.rollouts++
    sim.ask(async () => {
      await operations.rollout(operator)
      sim.count('rolled out')
    })
  },

  drain(sim, { replica, count }) {
    const which = count === null ? { all: true as const } : { count }
    const { operations } = sim.at(replica).parts
    sim.ask(() => operations.drain({ ...which, refill: true }, operator))
  },
  replenish(sim, { replica, count }) {
    const { operations } = sim.at(replica).parts
    sim.ask(() => operations.replenish(count, operator))
  },
}

/** More steps than a claim takes to its end, with what else its replica does. */
const STEPS_OF_A_CLAIM = 60

async function stall(sim: Simulation, asked: Of<'stall'>): Promise<void> {
  const until = async (process: Process, label: string) => {
    for (let n = 0; n < STEPS_OF_A_CLAIM && !sim.schedule.asks(process, label); n++)
      if (!(await sim.schedule.step(process))) await turn()
  }
  const { process } = sim.at(asked.claim.replica)
  claim(sim, asked.claim)
  await until(process, asked.before)
  if (process.state === 'running') process.state = 'frozen'
  await sim.advance(asked.ms)
  await sim.settle()
  const other = { ...asked.next, replica: (asked.claim.replica + 1) % REPLICAS }
  claim(sim, other)
  await until(sim.at(other.replica).process, asked.nextBefore)
  await sim.thaw()
  await until(process, 'nothing')
}

function claim({ at, ask, count, ledger }: Simulation, asked: Of<'claim'>): void {
  const { replica, principal, key, invite, waitMs, name } = asked
  const { parts, process } = at(replica)
  const joinUrl = invite === null ? {} : { joinUrl: `${INVITES}/v2?i=${invite}` }
  const draft = draftOf(ClaimRequest.parse({ agentName: name, ...joinUrl, waitMs }), [INVITES])
  const waits: Waiting = { process }
  ledger.unanswered.add(waits)
  ask(async () => {
    try {
      const { row } = await parts.desk.claim({ principal, idemKey: key, draft, requestId: 'model' }, (claimId, repeat) => {
        ledger.entered.push({ claimId, repeat, principal, key, invite, body: `${name} ${invite}` })
      })
      ledger.told.push({ principal, claimId: row.id, state: row.state, instanceId: row.instance_id })
      count(`answer: ${row.state}${row.error ? ` ${row.error.code}` : ''}`)
    } catch {
      count('answer: a failure')
    } finally {
      ledger.unanswered.delete(waits)
    }
  })
}

/** A person ends an agent or a claim. What that may end is noted before it is asked for. */
async function end({ at, ask, count, ledger, query }: Simulation, { replica, nth, how }: Of<'end'>): Promise<boolean> {
  const { ctx, parts } = at(replica)
  if (how === 'leave' || how === 'giveUp') {
    // only who has no key and no invite is taken to be gone with its connection
    const can = ledger.entered.filter((one) => !one.repeat && (how === 'giveUp' || (one.key === null && one.invite === null)))
    const mine = can[nth % Math.max(1, can.length)]
    if (!mine) return false
    count(`end: ${how}`)
    ledger.endedByHand.add(mine.claimId)
    if (how === 'leave') ask(() => parts.desk.abandon(mine.claimId))
    else ask(() => giveUp(ctx.db, parts.operations, mine.claimId, { actor: mine.principal, requestId: 'model' }))
    return true
  }
  const rows = await query<{ id: string; status: string; claim_id: string | null }>(`
    select id, status, claim_id from instances
    where status ${how === 'kill' ? `<> 'deleting'` : `in ('claimed', 'crashed', 'pending')`} order by created_at, id`)
  const row = rows[nth % Math.max(1, rows.length)]
  if (!row) return false
  count(`end: ${how} ${row.status}`)
  if (row.claim_id) ledger.endedByHand.add(row.claim_id)
  if (how === 'expire') await query('update instances set expires_at = clock_now() where id = $1', [row.id])
  else
    ask(async () => {
      const seen = await readInstance(ctx.db, row.id)
      // it is ended as the operator sees it, which may be with another claim by now
      if (seen?.claim_id) ledger.endedByHand.add(seen.claim_id)
      if (seen) await parts.operations.end('kill', seen, operator)
    })
  return true
}

type Happening = Of<'box'>['what']

/** Which boxes each can happen to, and what it makes of them. */
const HAPPENINGS: Record<Happening, { to(box: Box, answers: boolean): boolean; makes(box: Box, now: number): Partial<Box> }> = {
  dies: { to: (_, answers) => answers, makes: (_, now) => ({ silentSince: now }) },
  revives: { to: (box) => box.silentSince !== null, makes: () => ({ silentSince: null }) },
  dirty: { to: (box, answers) => answers && box.claimId === null, makes: () => ({ dirty: true }) },
  forgets: { to: (box) => box.conversationId !== null, makes: () => ({ conversationId: null }) },
  foreign: {
    to: (box, answers) => answers && box.claimId === null,
    makes: () => ({ claimId: 'clm_of_another_pool', binding: 'active', conversationId: 'theirs' }),
  },
  letIn: {
    to: (box, answers) => answers && box.binding === 'pending',
    makes: (box) => ({ binding: 'active', conversationId: `invited-${box.id}` }),
  },
  refuse: { to: (box, answers) => answers && box.binding === 'pending', makes: () => ({ binding: 'refused' }) },
}

function happen({ count, time, world }: Simulation, { nth, what }: Of<'box'>): boolean {
  const { to, makes } = HAPPENINGS[what]
  const boxes = [...world.boxes.values()].filter((box) => box.destroyedAt === null && to(box, world.answers(box)))
  const box = boxes[nth % Math.max(1, boxes.length)]
  if (!box) return false
  Object.assign(box, makes(box, time.now()))
  world.changed(box.id)
  count(`box: ${what}`)
  return true
}

import type { Context } from './context.ts'
import { type HeldInstance, type Lease, LeaseLost, readHeld, recordDestroyed, recordPhase, recordProgress } from './db/runner.ts'
import { readTools, recordToolFailure, type ToolRow } from './db/tools.ts'
import type { ProviderError } from './infra/errors.ts'
import { creationSteps } from './instance/create.ts'
import { unwindingSteps } from './instance/destroy.ts'
import { deliver, rename, withdraw } from './instance/live.ts'
import { rolloutSteps } from './instance/rollout.ts'
import type { InstanceStep, Run } from './instance/run.ts'
import { isAlways, resourceStep } from './instance/tools.ts'
import { describe, isRefusal, NotYet, readLogs, takeStep } from './saga.ts'

/** A held instance on its way; every step reads it afresh, as what is wished for may have changed meanwhile. */
export interface Drive {
  ctx: Context
  lease: Lease
  stopping: AbortSignal
  /** As of the latest step. */
  row: HeldInstance
  /** Somebody waits for what is being done. */
  urgent: boolean
  /** All that went wrong, or has to wait; each on its own says when to come back. */
  failures: unknown[]
  /** Why the creation or the rollout was refused outright: they alone are given up. */
  refusal: ProviderError | null
}

type Reached = 'present' | 'destroyed' | 'stopping'

/**
 * Takes an instance as far towards its wish as it will go now.
 * @throws the first failure, when everything that does not depend on it has been tried
 */
export async function towardsWish(drive: Drive): Promise<Reached> {
  const reached = wished(drive) && !isCreated(drive.row) ? await refusable(drive, () => create(drive)) : 'present'
  if (reached === 'present' && wished(drive)) await keepUp(drive)
  if (drive.stopping.aborted) return 'stopping'
  return wished(drive) ? 'present' : unwind(drive)
}

const wished = ({ row }: Drive): boolean => row.wish === 'present'

async function create(drive: Drive): Promise<'present' | 'stopping'> {
  for (const step of await creationSteps(drive.ctx, drive.lease)) {
    if (!wished(drive)) return 'present'
    if (drive.stopping.aborted) return 'stopping'
    await forwards(drive, step)
  }
  return 'present'
}

async function refusable<T>(drive: Drive, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    if (isRefusal(err)) drive.refusal = err
    throw err
  }
}

/** Its first deployment is known: whatever happens later is a change to something that exists. */
const isCreated = ({ deploymentId, rollout }: HeldInstance): boolean => deploymentId !== null || rollout > 1

const runOf = ({ ctx, lease, row }: Drive): Run => ({ ctx, lease, row })

async function forwards(drive: Drive, step: InstanceStep): Promise<void> {
  const { ctx, lease } = drive
  const log = (await readLogs(ctx.db, lease.instanceId))(step.name)
  if (log.do?.state === 'done') return
  await takeStep({ db: ctx.db, lease, step, direction: 'do', log, parent: ctx.traces.of(lease.instanceId) }, runOf(drive))
  await progress(drive)
}

async function backwards(drive: Drive, step: InstanceStep): Promise<void> {
  const { ctx, lease } = drive
  const log = (await readLogs(ctx.db, lease.instanceId))(step.name)
  await takeStep({ db: ctx.db, lease, step, direction: 'undo', log, parent: ctx.traces.of(lease.instanceId) }, runOf(drive))
}

async function progress(drive: Drive): Promise<void> {
  await recordProgress(drive.ctx.db, drive.lease)
  drive.ctx.changed.notify()
  drive.row = await readHeld(drive.ctx.db, drive.lease)
}

/** What a created instance still wants: tools, another image, another name. None of them holds up another. */
async function keepUp(drive: Drive): Promise<void> {
  const { ctx, lease, stopping } = drive
  const attempt = async (work: () => Promise<unknown>) => {
    if (stopping.aborted || !wished(drive)) return
    try {
      await work()
    } catch (err) {
      if (err instanceof LeaseLost) throw err
      drive.failures.push(err)
    }
  }

  const rows = (await readTools(ctx.db, [lease.instanceId])).filter((tool) => !isAlways(ctx, tool))
  const going = rows.filter(({ state }) => state === 'destroying').toReversed()
  const coming = rows.filter(({ state }) => state === 'creating')
  drive.urgent = going.length + coming.length > 0
  for (const tool of going) await attempt(() => dropTool(drive, tool))
  for (const generation of Map.groupBy(coming, ({ toolId }) => toolId).values()) await attempt(() => makeTool(drive, generation))
  await attempt(() => deliver(runOf(drive)))
  if (drive.row.awaitingDeployment) await attempt(() => refusable(drive, () => rollOut(drive)))
  await attempt(() => rename(runOf(drive)))
  throwWorst(drive)
}

async function makeTool(drive: Drive, resources: ToolRow[]): Promise<void> {
  const { ctx, lease } = drive
  for (const row of resources) {
    try {
      await forwards(drive, resourceStep(ctx.tools.getByToolId(row.toolId), row))
    } catch (err) {
      if (err instanceof LeaseLost || err instanceof NotYet) throw err
      // whoever asked for it is told now: an outright refusal is not going to change its mind
      const givenUp = isRefusal(err)
      await recordToolFailure(ctx.db, lease, { id: row.id, error: describe(err), givenUp })
      ctx.changed.notify()
      if (givenUp) return
      throw err
    }
  }
}

async function dropTool(drive: Drive, row: ToolRow): Promise<void> {
  await withdraw(runOf(drive), row)
  await backwards(drive, resourceStep(drive.ctx.tools.getByToolId(row.toolId), row))
  drive.ctx.changed.notify()
}

async function rollOut(drive: Drive): Promise<void> {
  for (const step of rolloutSteps(drive.row)) {
    if (drive.stopping.aborted || !wished(drive)) return
    await forwards(drive, step)
  }
}

/** Every resource is tried, also when another one's undoing fails: nothing is kept alive by a neighbour's fault. */
async function unwind(drive: Drive): Promise<Reached> {
  const { ctx, lease, stopping } = drive
  await recordPhase(ctx.db, lease, { from: ['queued', 'creating', 'deploying', 'running', 'deploy_failed'], to: 'destroying' })
  for (const step of await unwindingSteps(ctx, lease.instanceId)) {
    if (stopping.aborted) return 'stopping'
    try {
      await backwards(drive, step)
    } catch (err) {
      if (err instanceof LeaseLost) throw err
      drive.failures.push(err)
    }
  }
  throwWorst(drive)
  await recordDestroyed(ctx.db, lease)
  return 'destroyed'
}

/** Waiting is told only when nothing is wrong. */
function throwWorst({ failures }: Drive): void {
  const worst = failures.find((err) => !(err instanceof NotYet)) ?? failures[0]
  if (worst !== undefined) throw worst
}

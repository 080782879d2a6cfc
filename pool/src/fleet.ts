import { Deadline } from '@convos/kit'
import type { StatusDetail } from '@convos/services/contract'
import { admit, withdraw } from './claim/pending.ts'
import { atMost, mapAtMost } from './concurrency.ts'
import type { Context } from './context.ts'
import { databaseNow, type FleetRow, listFleet, readInstance, recordObservations, removeInstances } from './db/instances.ts'
import { countAutoDestroyed, type Move, moveInstances } from './db/moves.ts'
import { autoDestroyCap } from './pool.ts'
import { type Decision, decide, observe } from './status.ts'

export type Fleet = ReturnType<typeof createFleet>

/**
 * Brings rows in line with what services says of them: reads rows and answers, decides (pure), acts. Safe to run twice and
 * side by side: every write is a compare-and-set, every call can be repeated.
 */
export function createFleet(ctx: Context) {
  const { config, db, limits, log, services, signals } = ctx
  const statusLimits = { ...limits, stuckTimeoutMs: config.stuckTimeoutMs, pendingTimeoutMs: config.pendingTimeoutMs }
  const call = atMost(limits.callsParallel)
  /** Passes run side by side; what they move goes one after the other, so that the hourly cap is counted and used in one step. */
  const inTurn = atMost(1)
  const creating = new Set<string>()
  const actor = 'pool'

  /** Asks services to create it, if it still is to be created; a call without an answer is repeated by a later pass. */
  async function create(id: string): Promise<void> {
    if (creating.has(id)) return
    creating.add(id)
    try {
      await call(async () => {
        if ((await readInstance(db, id))?.status === 'starting') await services.create(id)
      })
    } catch (err) {
      log.warn({ err, instanceId: id }, 'creation could not be asked for; the next look decides')
    } finally {
      creating.delete(id)
    }
  }

  /** Sets the wish that nothing be left; a call without an answer is repeated by a later pass. */
  async function destroy(id: string, requestId?: string): Promise<void> {
    try {
      await call(() => services.destroy(id, requestId))
    } catch (err) {
      log.warn({ err, instanceId: id }, 'destruction could not be asked for; it is asked again')
    }
  }

  /** Of the moves that destroy without being asked, as many as this hour still allows; the others wait. */
  async function withinCap(moves: Move[]): Promise<Move[]> {
    const automatic = moves.filter((m) => m.type === 'auto_destroy')
    if (automatic.length === 0) return moves
    const cap = autoDestroyCap(config.minIdle, limits)
    const left = Math.max(0, cap - (await countAutoDestroyed(db)))
    if (automatic.length > left) log.warn({ waiting: automatic.length - left, cap }, 'the hourly cap keeps stuck instances')
    const spared = new Set(automatic.slice(left))
    return moves.filter((m) => !spared.has(m))
  }

  async function applyMoves(wanted: Move[]): Promise<void> {
    const moves = await withinCap(wanted)
    const moved = await moveInstances(db, { moves, actor })
    const done = moves.filter((m) => moved.has(m.id))
    if (done.length === 0) return
    for (const m of done) log.info({ instanceId: m.id, from: m.from, to: m.to, type: m.type, reason: m.reason }, 'status changed')
    signals.emit('changed')
    if (done.some((m) => m.to === 'ready')) signals.emit('ready')
    if (done.some((m) => m.from === 'ready' || m.from === 'starting')) signals.emit('shrunk')
    for (const m of done) if (m.to === 'deleting') void destroy(m.id)
  }

  async function act(decisions: Decision[]): Promise<void> {
    const of = <K extends Decision['kind']>(kind: K) =>
      decisions.filter((d): d is Extract<Decision, { kind: K }> => d.kind === kind)
    await inTurn(() => applyMoves(of('move').map((d) => d.move)))
    const removed = of('remove').map((d) => d.id)
    if (removed.length > 0) {
      await removeInstances(db, { ids: removed, actor })
      signals.emit('changed', 'shrunk')
    }
    await Promise.all([
      ...of('create').map((d) => create(d.id)),
      ...of('destroy').map((d) => destroy(d.id)),
      ...of('admit').map((d) => admit(ctx, d)),
      ...of('withdraw').map((d) => call(() => withdraw(ctx, d))),
    ])
  }

  return {
    create,
    destroy,

    /** One look at the whole fleet, at one status of it, or at some ids. */
    async look(of: Parameters<typeof listFleet>[1], deadline = new Deadline(limits.tickDeadlineMs)): Promise<void> {
      const rows = await listFleet(db, of)
      if (rows.length === 0) return
      const details = await services.statuses(
        rows.map((row) => row.id),
        deadline,
      )
      await reconcile(rows, details)
    },
  }

  async function reconcile(rows: FleetRow[], details: ReadonlyMap<string, StatusDetail>): Promise<void> {
    const now = await databaseNow(db)
    const seen = rows.flatMap((row) => observe(row, details.get(row.id), statusLimits) ?? [])
    if (seen.length > 0) {
      await mapAtMost(1, chunks(seen, limits.statusBatch), (chunk) => recordObservations(db, chunk))
      signals.emit('changed')
    }
    await act(rows.flatMap((row) => decide(row, details.get(row.id), now, statusLimits) ?? []))
  }
}

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))

import { Deadline, inSpan, withTransaction } from '@convos/kit'
import type { StatusDetail } from '@convos/services/contract'
import { admit, withdraw } from '../claim/pending.ts'
import { atMost, mapAtMost } from '../concurrency.ts'
import type { Context } from '../context.ts'
import {
  databaseNow,
  type FleetPart,
  type FleetRow,
  listFleet,
  readInstance,
  recordObservations,
  removeInstances,
} from '../db/instances.ts'
import { countAutoDestroyed, type Move, moveInstances } from '../db/moves.ts'
import { holdSettings, readSettings } from '../db/settings.ts'
import { outcomeOf, recordOutcomes } from '../supply/outcomes.ts'
import { autoDestroyCap } from '../supply/plan.ts'
import { type Decision, decide, observe } from './status.ts'

export type Fleet = ReturnType<typeof createFleet>

/** The fleet as it is, and what a look at it would do now. */
export interface Survey {
  rows: FleetRow[]
  details: ReadonlyMap<string, StatusDetail>
  decisions: Decision[]
}

/**
 * Brings rows in line with what services says of them: reads rows and answers, decides (pure), acts. Safe to run twice and
 * side by side: every write is a compare-and-set, every call can be repeated.
 */
export function createFleet(ctx: Context) {
  const { db, limits, log, meters, services, signals } = ctx
  const call = atMost(limits.callsParallel)
  /** Withdrawals wait for boxes, which may not answer: what services does by itself must not stand behind them. */
  const callBoxes = atMost(limits.callsParallel)
  const asking = new Set<string>()
  const actor = 'pool'

  /** Makes a call beside the passes, which do not wait for it, unless the same one is under way. */
  async function ask(what: 'create' | 'destroy' | 'withdraw', id: string, work: () => Promise<unknown>): Promise<void> {
    const key = `${what} ${id}`
    if (asking.has(key)) return
    asking.add(key)
    try {
      await work()
    } catch (err) {
      log.warn({ err, instanceId: id }, `${what}: services could not be asked; the next look decides`)
    } finally {
      asking.delete(key)
    }
  }

  /** Asks services to create it, if it still is to be created; a call without an answer is repeated by a later pass. */
  const create = (id: string): Promise<void> =>
    ask('create', id, () =>
      call(async () => {
        const row = await readInstance(db, id)
        if (row?.status === 'starting')
          await inSpan('instance create', { parent: null, attributes: { 'convos.instance_id': id } }, () =>
            services.create(id, row.image),
          )
      }),
    )

  /** Sets the wish that nothing be left; a call without an answer is repeated by a later pass. */
  const destroy = (id: string, requestId?: string): Promise<void> =>
    ask('destroy', id, () => call(() => services.destroy(id, requestId)))

  /** Of the moves that destroy without being asked, as many as this hour still allows; the others wait. */
  async function moveWithinCap(automatic: Move[]): Promise<Set<string>> {
    if (automatic.length === 0) return new Set()
    return withTransaction(db, async (tx) => {
      // one at a time, whatever the replica: counting what the cap leaves and using it is one step
      const cap = autoDestroyCap((await holdSettings(tx)).minIdle, limits)
      const left = Math.max(0, cap - (await countAutoDestroyed(tx)))
      if (automatic.length > left) log.warn({ waiting: automatic.length - left, cap }, 'the hourly cap keeps stuck instances')
      return moveInstances(tx, { moves: automatic.slice(0, left), actor })
    })
  }

  /** Answers what moved. */
  async function applyMoves(rows: readonly FleetRow[], moves: Move[]): Promise<Move[]> {
    const isAutomatic = (m: Move) => m.type === 'auto_destroy'
    const moved = await withTransaction(db, async (tx) => {
      const ids = await moveInstances(tx, { moves: moves.filter((m) => !isAutomatic(m)), actor })
      const outcomes = moves.filter((m) => ids.has(m.id)).flatMap((m) => outcomeOf(m, rows) ?? [])
      await recordOutcomes(tx, outcomes, limits)
      return ids
    })
    const destroyed = await moveWithinCap(moves.filter(isAutomatic))
    const done = moves.filter((m) => moved.has(m.id) || destroyed.has(m.id))
    if (done.length === 0) return []
    for (const m of done) log.info({ instanceId: m.id, from: m.from, to: m.to, type: m.type, reason: m.reason }, 'status changed')
    signals.emit('changed')
    if (done.some((m) => m.to === 'ready')) signals.emit('ready')
    if (done.some((m) => m.from === 'ready' || m.from === 'starting')) signals.emit('shrunk')
    for (const m of done) if (m.to === 'deleting') void destroy(m.id)
    return done
  }

  async function act(rows: readonly FleetRow[], decisions: Decision[]): Promise<Move[]> {
    const of = <K extends Decision['kind']>(kind: K) =>
      decisions.filter((d): d is Extract<Decision, { kind: K }> => d.kind === kind)
    const moved = await applyMoves(
      rows,
      of('move').map((d) => d.move),
    )
    const removed = of('remove').map((d) => d.id)
    if (removed.length > 0) {
      await removeInstances(db, { ids: removed, actor })
      signals.emit('changed', 'shrunk')
    }
    for (const { id } of of('create')) void create(id)
    for (const { id } of of('destroy')) void destroy(id)
    for (const d of of('withdraw')) void ask('withdraw', d.id, () => callBoxes(() => withdraw(ctx, d)))
    await Promise.all(of('admit').map((d) => admit(ctx, d)))
    return moved
  }

  const statusesOf = (rows: readonly FleetRow[], deadline: Deadline) =>
    services.statuses(
      rows.map((row) => row.id),
      deadline,
    )

  return {
    create,
    destroy,

    /** One look at the whole fleet, at one status of it, or at some ids; page by page, so that any number takes the same room. */
    async look(of: FleetPart, deadline = new Deadline(limits.tickDeadlineMs)): Promise<void> {
      const limit = limits.fleetPage
      let [silent, total] = [0, 0]
      for (let after: string | null = ''; after !== null;) {
        const rows: FleetRow[] = await listFleet(db, of, { after, limit })
        const details = rows.length > 0 ? await statusesOf(rows, deadline) : NONE
        silent += rows.filter((row) => !details.has(row.id)).length
        total += rows.length
        await reconcile(rows, details)
        after = rows.length < limit ? null : (rows.at(-1)?.id ?? null)
      }
      if (silent > 0) log.warn({ silent, of: total }, 'services did not answer for every instance')
    },

    /** A look that changes nothing. */
    async survey(deadline: Deadline): Promise<Survey> {
      const rows = await listFleet(db, {})
      const details = await statusesOf(rows, deadline)
      return { rows, details, decisions: await decisionsFor(rows, details, await databaseNow(db)) }
    },
  }

  async function decisionsFor(rows: FleetRow[], details: ReadonlyMap<string, StatusDetail>, now: Date): Promise<Decision[]> {
    const { stuckTimeoutMs, pendingTimeoutMs } = await readSettings(db)
    const statusLimits = { ...limits, stuckTimeoutMs, pendingTimeoutMs }
    return rows.flatMap((row) => decide(row, details.get(row.id), now, statusLimits) ?? [])
  }

  async function reconcile(rows: FleetRow[], details: ReadonlyMap<string, StatusDetail>): Promise<void> {
    if (rows.length === 0) return
    const now = await databaseNow(db)
    const seen = rows.flatMap((row) => observe(row, details.get(row.id), limits) ?? [])
    if (seen.length > 0) {
      await mapAtMost(1, chunks(seen, limits.statusBatch), (chunk) => recordObservations(db, chunk))
      signals.emit('changed')
    }
    // the image of one that is seen for the first time is what services says
    const seenRows = rows.map((row) => ({ ...row, image: details.get(row.id)?.image ?? row.image }))
    const moved = await act(seenRows, await decisionsFor(rows, details, now))
    const startedAt = new Map(rows.map((row) => [row.id, row.status_since]))
    for (const { id, from, to, type } of moved) {
      if (type === 'creation_failed') meters.creationFailed()
      else if (from === 'starting' && to === 'ready') meters.becameReady(now.getTime() - (startedAt.get(id)?.getTime() ?? 0))
    }
  }
}

const NONE: ReadonlyMap<string, StatusDetail> = new Map()

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))

import { Deadline } from '@convos/kit'
import type { ReconcileReply, StatusDetail } from '@convos/services/contract'
import { z } from 'zod'
import type { Context } from '../context.ts'
import type { ReconcileReport } from '../contract/index.ts'
import { insertAdopted } from '../db/operators.ts'
import type { Fleet, Survey } from '../fleet/fleet.ts'
import { ServicesError } from '../services/errors.ts'
import type { Work } from './work.ts'

const ReconcileInput = z.object({ dryRun: z.boolean(), adopt: z.array(z.string()) })
export type ReconcileInput = z.infer<typeof ReconcileInput>

/** Not there, or on its way out: nothing that a row could stand for. */
const GONE: readonly StatusDetail['state'][] = ['absent', 'destroyed', 'destroying', 'unknown']

/**
 * Has services hold its ledgers against the providers, and holds this database's rows against services. Pool itself changes
 * nothing here but to add the rows of what is adopted.
 */
export const reconcileWork =
  (ctx: Pick<Context, 'db' | 'limits' | 'services' | 'signals'>, fleet: Pick<Fleet, 'survey'>): Work =>
  async ({ input, actor, request_id: requestId }) => {
    const { db, limits, services, signals } = ctx
    const { dryRun, adopt } = ReconcileInput.parse(input)
    let theirs: ReconcileReply
    try {
      theirs = await services.reconcile({ dryRun, adopt }, requestId ?? undefined)
    } catch (err) {
      // its turn comes
      if (err instanceof ServicesError && err.code === 'RECONCILE_RUNNING') return { againMs: limits.itemRetryMs }
      throw err
    }
    // before the rows are read: what is made meanwhile has its row first
    const kept = await everyInstance(services)
    const deadline = new Deadline(limits.tickDeadlineMs)
    const survey = await fleet.survey(deadline)
    const details = adopt.length === 0 ? new Map<string, StatusDetail>() : await services.statuses(adopt, deadline)
    const adopted = await Promise.all(
      [...new Set(adopt)].map(async (id) => {
        const verdict = judge(id, { theirs, survey, detail: details.get(id), dryRun })
        const { detail } = verdict
        if (detail === null) return { instanceId: id, ...verdict.said }
        const isNew = await insertAdopted(db, { id, reason: verdict.said.reason, detail, actor, requestId })
        // asked for before, by whoever died at it
        return { instanceId: id, ...(isNew ? verdict.said : { action: 'refuse' as const, reason: 'the pool has a row of it' }) }
      }),
    )
    if (adopted.some(({ action }) => action === 'adopt')) signals.emit('changed')
    return { done: true, report: reportOf(theirs, { ...survey, kept }, adopted) }
  }

/** Ids of all that services keeps; none where it is a version behind, and cannot list them. */
async function everyInstance(services: Pick<Context['services'], 'everyInstance'>): Promise<string[]> {
  try {
    return (await services.everyInstance()).map(({ instanceId }) => instanceId)
  } catch (err) {
    if (err instanceof ServicesError && err.code === 'NOT_FOUND') return []
    throw err
  }
}

type Adoption = ReconcileReport['adopted'][number]

/** Whether an instance gets a row, and what is known of it where it gets one now. */
function judge(
  id: string,
  p: { theirs: ReconcileReply; survey: Survey; detail: StatusDetail | undefined; dryRun: boolean },
): { said: Omit<Adoption, 'instanceId'>; detail: StatusDetail | null } {
  const finding = p.theirs.findings.find(({ kind, instanceId }) => kind === 'adopted' && instanceId === id)
  const refuse = (reason: string) => ({ said: { action: 'refuse' as const, reason }, detail: null })
  if (p.survey.rows.some((row) => row.id === id)) return refuse('the pool has a row of it')
  const adopt = { action: 'adopt' as const, reason: 'adopted by an operator' }
  // what services has by now, by this pass or by an earlier one
  if (p.detail && !GONE.includes(p.detail.state)) return { said: adopt, detail: p.dryRun ? null : p.detail }
  if (p.dryRun && finding?.action === 'adopt') return { said: adopt, detail: null }
  return refuse(finding?.reason ?? 'services does not have it')
}

/** Services' findings beside pool's own: who is missing on either side, and what automation would end now. */
function reportOf(
  { dryRun, findings, unlisted, counts }: ReconcileReply,
  { rows, details, decisions, kept }: Survey & { kept: readonly string[] },
  adopted: ReconcileReport['adopted'],
): ReconcileReport {
  const known = new Set(rows.map((row) => row.id))
  const named = findings.flatMap(({ instanceId }) => (instanceId === null || known.has(instanceId) ? [] : [instanceId]))
  return {
    dryRun,
    findings,
    unlisted,
    counts,
    absent: rows.filter((row) => details.get(row.id)?.state === 'absent').map((row) => row.id),
    unknown: [...new Set([...named, ...kept.filter((id) => !known.has(id))])].toSorted(),
    silent: rows.filter((row) => !details.has(row.id)).map((row) => row.id),
    wouldDestroy: decisions.flatMap((decision) => {
      if (decision.kind !== 'move' || decision.move.to !== 'deleting') return []
      const { id, from, type, reason } = decision.move
      return [{ instanceId: id, from, type, reason }]
    }),
    adopted,
  }
}

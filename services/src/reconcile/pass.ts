import { randomUUID } from 'node:crypto'
import { acquireLease, Deadline, Problem, readMeta, releaseLease } from '@convos/kit'
import type { Context } from '../context.ts'
import type { Finding, ReconcileReply } from '../contract/index.ts'
import { countForCap, forgetStrays, readStrays, recordStrays } from '../db/reconcile.ts'
import { GHOST_LOOKS, RECONCILE, RECONCILE_LEASE, STRAY_CAP } from '../limits.ts'
import { markerOf } from '../naming.ts'
import { describe } from '../saga.ts'
import { adopt } from './adopt.ts'
import { type Entry, isMissing, judge, type Scene, type Sighting, type Verdict } from './judge.ts'
import { removeStray } from './remove.ts'
import { type Listed, type Listing, type Source, sourcesOf } from './sources.ts'

/** What every part of a pass has in common. */
interface Pass {
  ctx: Context
  dryRun: boolean
  holder: string
  deadline: Deadline
  /** How many may still be destroyed, and looked at. */
  left: { destructions: number; looks: number }
}

/**
 * Holds what the providers have against the ledgers, both ways, and takes lost instances back.
 * @throws Problem 409 while another pass is under way, on whichever replica, and once the database was detached
 */
export async function reconcile(ctx: Context, request: { dryRun: boolean; adopt: string[] }): Promise<ReconcileReply> {
  const lease = { name: 'reconcile', holder: `reconcile:${randomUUID()}` }
  await hold(ctx, lease)
  try {
    await sameDeployment(ctx)
    const listings = await listAll(ctx)
    // lists are as long as they are: what follows has its time all the same
    await hold(ctx, lease)
    const { destroyed, live } = await countForCap(ctx.db, STRAY_CAP.perMs)
    const cap = Math.max(STRAY_CAP.least, Math.floor(live * STRAY_CAP.share))
    return await run(
      {
        ctx,
        dryRun: request.dryRun,
        holder: lease.holder,
        deadline: new Deadline(RECONCILE),
        left: { destructions: Math.max(0, cap - destroyed), looks: GHOST_LOOKS },
      },
      listings,
      request.adopt,
    )
  } finally {
    await releaseLease(ctx.db, lease)
  }
}

async function hold(ctx: Context, lease: { name: string; holder: string }): Promise<void> {
  if (!(await acquireLease(ctx.db, { ...lease, ms: RECONCILE_LEASE })))
    throw new Problem({ status: 409, code: 'RECONCILE_RUNNING', detail: 'another pass is under way' })
}

/** A detached ledger knows of nothing any more, but this process still takes what its original has for ours. */
async function sameDeployment(ctx: Context): Promise<void> {
  if (markerOf(await readMeta(ctx.db), '') === ctx.marker('')) return
  throw new Problem({
    status: 409,
    code: 'DATABASE_DETACHED',
    detail: 'this database was detached from its original while services ran: restart it',
  })
}

const listAll = (ctx: Context): Promise<Listing[]> =>
  Promise.all(
    sourcesOf(ctx).map(async (source): Promise<Listing> => {
      try {
        return { source, listed: await source.list(), error: null }
      } catch (err) {
        return { source, listed: null, error: describe(err) }
      }
    }),
  )

async function run(pass: Pass, listings: readonly Listing[], ids: string[]): Promise<ReconcileReply> {
  const { ctx, dryRun } = pass
  const unlisted = listings.flatMap(({ source: { provider }, error }) => (error === null ? [] : [{ provider, error }]))
  const findings: Finding[] = []
  for (const instanceId of new Set(ids))
    findings.push(await adopt(ctx, { instanceId, listings, dryRun, deadline: pass.deadline }))
  // of what would be taken back there is nothing else to say
  const adopted = new Set(findings.flatMap(({ action, instanceId }) => (action === 'adopt' ? [instanceId] : [])))
  for (const { source, listed } of listings)
    if (listed) findings.push(...(await compare(pass, source, listed)).filter(({ instanceId }) => !adopted.has(instanceId)))
  return { dryRun, findings, unlisted, counts: countsOf(findings) }
}

/** One source, both ways. Its list was read first: whatever is on it had its ledger row before. */
async function compare(pass: Pass, source: Source, listed: Listed[]): Promise<Finding[]> {
  const { ctx, holder, dryRun } = pass
  const { now, firstSeen } = await readStrays(ctx.db, source.provider)
  const instanceIds = [...new Set(listed.map(({ instanceId }) => instanceId))]
  const entries = await source.ledger({ instanceIds, andAllLive: true, holder })
  const ledger = Map.groupBy(entries, ({ instanceId }) => instanceId)
  const ids = new Set(listed.map(({ resourceId }) => resourceId))
  const scene: Scene = { now, listed: ids, secondIsLeftover: source.secondIsLeftover }

  const orphans: Finding[] = []
  const strays: Sighting[] = []
  for (const thing of listed) {
    const stray = { ...thing, firstSeenAt: firstSeen.get(thing.resourceId) ?? null }
    const judged = judge(stray, ledger.get(thing.instanceId) ?? [], scene)
    const verdict = judged?.action === 'destroy' ? await act(pass, source, stray, scene, judged) : judged
    if (!verdict) continue
    strays.push(stray)
    orphans.push(findingOf(source, stray, 'orphan', verdict))
  }
  if (!dryRun) {
    await recordStrays(ctx.db, { provider: source.provider, strays })
    await forgetStrays(ctx.db, { provider: source.provider, except: strays.map(({ resourceId }) => resourceId) })
  }
  return [...orphans, ...(await ghosts(pass, source, entries, ids))]
}

async function act(
  pass: Pass,
  source: Source,
  stray: Listed & Sighting,
  scene: Scene,
  verdict: Verdict,
): Promise<Verdict | null> {
  if (pass.left.destructions === 0) return { action: 'wait', reason: `${verdict.reason}; no more may be destroyed this hour` }
  if (pass.deadline.passed) return { action: 'wait', reason: `${verdict.reason}; it is left to the next pass` }
  const removal = pass.dryRun
    ? { verdict, counts: true }
    : await removeStray(pass.ctx, { source, stray, scene, holder: pass.holder })
  if (removal.counts) pass.left.destructions--
  return removal.verdict
}

/** What the ledger names and no list shows. Nothing follows from it: a provider that does not show something has not said that it is gone. */
async function ghosts(pass: Pass, source: Source, entries: Entry[], ids: ReadonlySet<string>): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const entry of entries.filter((candidate) => isMissing(candidate, ids, pass.ctx.config.listLagMs))) {
    const verdict = await lookAt(pass, source, entry)
    if (verdict) findings.push(findingOf(source, { ...entry, createdAt: null }, 'ghost', verdict))
  }
  return findings
}

/** Null when it is there after all. */
async function lookAt(pass: Pass, source: Source, entry: Entry): Promise<Verdict | null> {
  if (pass.left.looks === 0 || pass.deadline.passed)
    return { action: 'wait', reason: 'the list does not show it; too many are missing to look at each of them in one pass' }
  pass.left.looks--
  try {
    if (!(await source.isGone(entry))) return null
    return { action: 'report', reason: 'the ledger names it and the provider says it is gone: somebody else deleted it' }
  } catch (err) {
    return { action: 'wait', reason: `the list does not show it, and it could not be looked at: ${describe(err)}` }
  }
}

const findingOf = (
  { provider }: Source,
  { resourceId, instanceId, createdAt }: { resourceId: string | null; instanceId: string; createdAt: Date | null },
  kind: 'orphan' | 'ghost',
  { action, reason }: Verdict,
): Finding => ({
  provider,
  resourceId: resourceId ?? '',
  instanceId,
  kind,
  action,
  reason,
  createdAt: createdAt?.toISOString() ?? null,
})

/** How many findings there are of each kind and action. */
function countsOf(findings: Finding[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { kind, action } of findings) counts[`${kind}/${action}`] = (counts[`${kind}/${action}`] ?? 0) + 1
  return counts
}

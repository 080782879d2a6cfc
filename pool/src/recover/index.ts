import { type Database, Deadline, withTransaction } from '@convos/kit'
import { addRecovered, completeRecovered, knownClaims, listRecoveryRows } from '../db/recover.ts'
import { holdSettings } from '../db/settings.ts'
import type { Services } from '../services/client.ts'
import { type Recovery, recover } from './plan.ts'

export type Done = {
  id: string
  kind: Recovery['kind']
  as: string | null
  claimId: string | null
  agentName: string | null
  why: string
}

/** However many there are: their details are asked for within this time. */
const WITHIN_MS = 120_000

/**
 * Writes down what services knows of instances and this database does not: the rows of those that were lost, and whose those are
 * that it only knows to be somebody's. Nothing is taken from a row, nothing is destroyed, and a repeat finds nothing to do.
 * @throws ServicesError where services cannot be asked: then nothing was written
 */
export async function enrich(
  { db, services }: { db: Database; services: Pick<Services, 'everyInstance' | 'statuses'> },
  { dryRun }: { dryRun: boolean },
): Promise<Done[]> {
  const known = await services.everyInstance()
  const details = await services.statuses(
    known.map(({ instanceId }) => instanceId),
    new Deadline(WITHIN_MS),
  )
  const rows = new Map((await listRecoveryRows(db)).map((row) => [row.id, row]))
  const named = [...details.values()].flatMap(({ health }) => health?.claimId ?? [])
  const claims = await knownClaims(db, named)
  const recoveries = known.flatMap((one) => {
    const { instanceId: id } = one
    const found = recover(one, { row: rows.get(id), detail: details.get(id), claimIsKnown: (claimId) => claims.has(claimId) })
    return found ?? []
  })
  const done: Done[] = []
  for (const recovery of recoveries) if (dryRun || (await carryOut(db, recovery))) done.push(told(recovery))
  return done
}

/** False when the row is not what it was when this was decided. */
async function carryOut(db: Database, recovery: Recovery): Promise<boolean> {
  if (recovery.kind === 'leave') return true
  return withTransaction(db, async (tx) => {
    if (recovery.kind === 'complete') return completeRecovered(tx, recovery)
    // rows are added by one at a time: who counts them must not overlook this one
    await holdSettings(tx)
    return addRecovered(tx, recovery)
  })
}

function told(recovery: Recovery): Done {
  const belongs = recovery.kind === 'leave' ? null : recovery.belongs
  const as = recovery.kind === 'add' ? recovery.as : null
  const { id, kind, why } = recovery
  return { id, kind, as, claimId: belongs?.claimId ?? null, agentName: belongs?.agentName ?? null, why }
}

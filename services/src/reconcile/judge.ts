import { STRAY_AGE, STRAY_SIGHTINGS_APART } from '../limits.ts'

/** Something at a provider that carries one of our own keys. */
export interface Sighting {
  resourceId: string
  instanceId: string
  /** The instance's how many-eth of its kind. */
  generation: number
  /** Null where the provider does not tell. */
  createdAt: Date | null
  /** In an earlier pass; null: never before. */
  firstSeenAt: Date | null
}

/** One row of the ledger, as far as it matters here. */
export interface Entry {
  instanceId: string
  generation: number
  /**
   * `coming`: a creation may be under way; `live`: there, and named; `going`: its undoing is under way; `gone`: a tombstone; `kept`: what could not be
   * deleted; `never`: wished away before anything was made.
   */
  standing: 'coming' | 'live' | 'going' | 'gone' | 'kept' | 'never'
  /** What the row names at the provider. */
  resourceId: string | null
  /** The whole instance is a tombstone: whatever it had was to go. */
  instanceGone: boolean
  busy: boolean
  ageMs: number
}

/** Where the sighting was made. */
export interface Scene {
  now: Date
  /** Ids of everything that this listing showed. */
  listed: ReadonlySet<string>
  /** A second one beside the live one is a left-over of a lost creation; false where it may hold somebody's data. */
  secondIsLeftover: boolean
}

export interface Verdict {
  action: 'report' | 'wait' | 'destroy'
  reason: string
}

const report = (reason: string): Verdict => ({ action: 'report', reason })
const wait = (reason: string): Verdict => ({ action: 'wait', reason })

/**
 * What is to become of something that carries our key; null when the ledger names it. Only what an instance's own row speaks against is ever
 * destroyed, and only when nobody is at that instance and the evidence is old.
 */
export function judge(sighting: Sighting, ledger: readonly Entry[], scene: Scene): Verdict | null {
  const entry = ledgerEntry(sighting, ledger)
  if (entry && entry.resourceId === sighting.resourceId && entry.standing !== 'gone') return null
  return whyNot(sighting, entry, scene) ?? tooEarly(sighting, entry, scene.now) ?? { action: 'destroy', reason: why(entry) }
}

/** The row that speaks for a sighting: one that names it, else a live one, else any of the same generation; else the whole instance's end. */
function ledgerEntry({ instanceId, generation, resourceId }: Sighting, ledger: readonly Entry[]): Entry | undefined {
  const all = ledger.filter((entry) => entry.instanceId === instanceId)
  const own = all.filter((entry) => entry.generation === generation)
  const end = all.find(({ instanceGone }) => instanceGone)
  return (
    own.find((entry) => entry.resourceId === resourceId && entry.standing !== 'gone') ??
    own.find(({ standing }) => standing !== 'gone') ??
    own[0] ??
    (end && { ...end, standing: 'gone', resourceId: null })
  )
}

/** What a row says for itself that names something else, or nothing yet. */
const UNSETTLED: Readonly<Record<Exclude<Entry['standing'], 'live' | 'gone'>, Verdict>> = {
  never: report(
    'its instance was wished away before this ledger ever made it: see whether somebody uses it, then delete it by hand',
  ),
  coming: wait('the ledger names none yet: the creation that is under way will take it or remove it'),
  going: wait('its instance or tool is being undone: that removes it'),
  kept: report('the ledger names another one that the provider could not delete: look which of the two may go'),
}

/** Why the ledger's word is not enough to destroy it; null when it is. */
function whyNot({ instanceId }: Sighting, entry: Entry | undefined, { listed, secondIsLeftover }: Scene): Verdict | null {
  if (!entry)
    return report(
      `it carries our marker, but the ledger has no row for it: instance ${instanceId} may be younger than a restored backup, and in use; adopt the instance, or delete this by hand`,
    )
  if (entry.standing === 'gone') return null
  if (entry.standing !== 'live') return UNSETTLED[entry.standing]
  if (!secondIsLeftover)
    return report(
      `instance ${instanceId} lives in ${entry.resourceId}: see whose data is in this second one, then delete it by hand`,
    )
  if (entry.resourceId === null || !listed.has(entry.resourceId))
    return report('the one that the ledger names is not there: this one may be what the instance uses')
  return null
}

/** What has to pass before the evidence is good. */
function tooEarly({ createdAt, firstSeenAt }: Sighting, entry: Entry | undefined, now: Date): Verdict | null {
  if (entry?.busy) return wait('its instance is being changed, or an earlier creation may still show its effect')
  const since = createdAt ?? firstSeenAt
  const ageMs = since === null ? 0 : now.getTime() - since.getTime()
  if (ageMs < STRAY_AGE) return wait(`it is younger than ${STRAY_AGE / 60_000} min`)
  if (firstSeenAt === null || now.getTime() - firstSeenAt.getTime() < STRAY_SIGHTINGS_APART)
    return wait(`it must be seen again, ${STRAY_SIGHTINGS_APART / 1000} s after it was first seen`)
  return null
}

const why = (entry: Entry | undefined): string =>
  entry?.standing === 'live'
    ? `a left-over: the ledger names ${entry.resourceId}, which is there as well`
    : 'the ledger says that it was destroyed, yet it is there'

/** Whether a row names something that a complete listing should have shown: only a closer look can tell that it is gone. */
export const isMissing = (entry: Entry, listed: ReadonlySet<string>, lagMs: number): boolean =>
  entry.standing === 'live' && entry.resourceId !== null && !listed.has(entry.resourceId) && entry.ageMs > lagMs

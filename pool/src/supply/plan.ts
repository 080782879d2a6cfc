import type { Settings } from '../db/settings.ts'
import type { Stock } from '../db/stock.ts'
import { chooseImages, type ImageRecord, UNRESOLVED } from './images.ts'
import type { Limits } from '../limits.ts'
import type { Surge } from './rotate.ts'

export interface SupplyFacts {
  stock: Stock
  settings: Pick<Settings, 'minIdle' | 'maxTotal' | 'maxAgeHours' | 'paused'>
  wanted: string | null
  images: readonly ImageRecord[]
  now: Date
}

export interface Held {
  code: 'PAUSED' | 'MAX_TOTAL' | 'CREATION_FAILING' | 'UNTRUSTED_IMAGE'
  reason: string
  until: Date | null
}

export interface RefillPlan {
  /** How many instances to create now, on which image. */
  create: readonly { image: string; count: number }[]
  /** Why fewer are created than are missing; null when nothing holds the refill back. */
  held: Held | null
}

/**
 * What to create now. What is being created counts as if it were there; a cap, a pause or what befell the images hold the
 * refill back, and then the plan says so. `extra`: so many more than now are wanted, whatever the target.
 */
export function planRefill(facts: SupplyFacts, extra: number | null = null): RefillPlan {
  const { stock, settings } = facts
  const missing = extra ?? missingOf(facts)
  if (missing === 0) return { create: [], held: null }
  if (settings.paused) return { create: [], held: { code: 'PAUSED', reason: 'the refill is paused', until: null } }

  const room = settings.maxTotal === null ? missing : Math.max(0, settings.maxTotal - stock.total)
  const { create, left, held } = allot(facts, Math.min(missing, room))
  if (left > 0) return { create, held }
  if (room >= missing) return { create, held: null }
  const reason = `at most ${settings.maxTotal} instances are allowed, and ${stock.total} exist`
  return { create, held: { code: 'MAX_TOTAL', reason, until: null } }
}

const missingOf = ({ stock, settings }: SupplyFacts): number => Math.max(0, settings.minIdle - stock.ready - stock.starting)

/** A plan with one more than the target, where a rotation asks for it and cap and images allow it. */
export function withSurge(plan: RefillPlan, surge: Surge | null, facts: SupplyFacts): RefillPlan {
  const { stock, settings } = facts
  const planned = (image: string) => plan.create.find((one) => one.image === image)?.count ?? 0
  const made = plan.create.reduce((sum, { count }) => sum + count, 0)
  if (surge === null || settings.paused || (settings.maxTotal !== null && stock.total + made >= settings.maxTotal)) return plan
  const wanted = facts.wanted ?? UNRESOLVED
  const isThere =
    surge === 'trial'
      ? planned(wanted) + (stock.startingOn.get(wanted) ?? 0) > 0
      : stock.ready + stock.starting + made > settings.minIdle
  if (isThere) return plan
  const choices = chooseImages({ ...facts, startingOn: stock.startingOn })
  const choice = choices.find(({ image, allows }) => allows > planned(image) && (surge === 'any' || image === wanted))
  if (!choice) return plan
  const others = plan.create.filter(({ image }) => image !== choice.image)
  return { ...plan, create: [...others, { image: choice.image, count: planned(choice.image) + 1 }] }
}

/** Shares `count` creations out among the images on which something may be created now. */
function allot(facts: SupplyFacts, count: number): { create: RefillPlan['create']; left: number; held: Held } {
  const choices = chooseImages({ ...facts, startingOn: facts.stock.startingOn })
  let left = count
  const create = choices.flatMap(({ image, allows }) => {
    const share = Math.min(left, allows)
    left -= share
    return share > 0 ? [{ image, count: share }] : []
  })
  return { create, left, held: whyHeld(facts, choices) }
}

function whyHeld({ images, wanted }: SupplyFacts, choices: ReturnType<typeof chooseImages>): Held {
  const untils = choices.flatMap(({ until }) => (until ? [until.getTime()] : []))
  const failures = Math.max(0, ...choices.map(({ image }) => images.find((known) => known.image === image)?.failures ?? 0))
  const until = untils.length > 0 ? new Date(Math.min(...untils)) : null
  if (failures > 0) return { code: 'CREATION_FAILING', reason: `creation failed ${failures} times in a row`, until }
  const reason = `an instance on ${wanted ?? 'the wanted image'} must become ready before there are more on it`
  return { code: 'UNTRUSTED_IMAGE', reason, until }
}

/** Boxes that automation may destroy within an hour. */
export const autoDestroyCap = (target: number, limits: Limits): number =>
  Math.max(limits.autoDestroyPerHour, Math.ceil(target * limits.autoDestroyShare))

/** When the claim at `position` in the queue can expect an instance, seconds; a guess where nothing was warmed yet. */
export function estimateWait(p: {
  position: number
  starting: number
  oldestStartingMs: number | null
  warmUpMs: number | null
}): number {
  const warmUpMs = p.warmUpMs ?? 60_000
  const first = Math.max(1_000, warmUpMs - (p.oldestStartingMs ?? 0))
  // one more round of creation for every batch of those on their way
  const rounds = Math.floor(Math.max(0, p.position - 1) / Math.max(1, p.starting))
  return Math.ceil((first + rounds * warmUpMs) / 1000)
}

import type { Settings } from '../db/settings.ts'
import type { Stock } from '../db/stock.ts'

/** A ready instance that is to be replaced, and why: it is too old, or a roll-out is to move the stock to another image. */
export interface Candidate {
  id: string
  why: 'aged' | 'rollout'
}

export interface RotationFacts {
  stock: Pick<Stock, 'ready' | 'starting' | 'total'>
  settings: Pick<Settings, 'minIdle' | 'maxTotal' | 'paused'>
  /** Oldest first. */
  candidates: readonly Candidate[]
  /** A roll-out takes nothing away before what it rolls out has proven itself, */
  isWantedTrusted: boolean
  /** but for the one whose place it needs, at the cap, to be tried at all. */
  isWantedUntried: boolean
  /** Automation may destroy so many more this hour; a roll-out is asked for by an operator and does not count. */
  agedLeft: number
}

/** One more than the target: on any image, on the wanted one, or on the wanted one to see whether it boots at all. */
export type Surge = 'any' | 'wanted' | 'trial'

export interface Rotation {
  surge: Surge | null
  retire: Candidate | null
}

/**
 * Replaces ready instances one by one: first one more is made, then the oldest candidate goes. Where the cap leaves no room
 * for one more, the candidate goes first, and only from a full stock: the stock is never more than one short because of this.
 */
export function planRotation({ stock, settings, candidates, ...p }: RotationFacts): Rotation {
  if (settings.paused || candidates.length === 0) return { surge: null, retire: null }
  const hasRoom = settings.maxTotal === null || stock.total < settings.maxTotal
  const mayRoll = p.isWantedTrusted || (!hasRoom && p.isWantedUntried)
  const next = candidates.find(({ why }) => (why === 'rollout' ? mayRoll : p.agedLeft > 0)) ?? null
  const isFull = hasRoom ? stock.ready > settings.minIdle : stock.ready >= settings.minIdle && stock.starting === 0
  const retire = isFull ? next : null
  const left = candidates.filter((one) => one !== retire)
  return { surge: hasRoom && left.length > 0 ? surgeFor(left, p) : null, retire }
}

function surgeFor(left: readonly Candidate[], p: Pick<RotationFacts, 'isWantedTrusted' | 'agedLeft'>): Surge | null {
  if (left.some(({ why }) => why === 'rollout')) return p.isWantedTrusted ? 'wanted' : 'trial'
  return p.agedLeft > 0 ? 'any' : null
}

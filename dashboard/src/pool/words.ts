import type { Image, Instance, Operation, PoolStatus, Provider, Stats } from '@convos/pool/contract'
import { formatAge, formatClock, formatDuration, formatNumber, plural, sentence, shortDigest } from '../ui/format.ts'
import type { Figures, Supply } from './series.ts'

type Held = NonNullable<PoolStatus['held']>

const HELD: Record<string, { what: string; todo: string }> = {
  PAUSED: { what: 'The refill is paused.', todo: 'Nothing new is created until it is resumed.' },
  MAX_TOTAL: { what: 'The cap is reached.', todo: 'End instances, or raise the cap in the settings.' },
  CREATION_FAILING: { what: 'Creation keeps failing.', todo: 'It is tried again by itself; the image below says more.' },
  UNTRUSTED_IMAGE: { what: 'The image has yet to prove itself.', todo: 'The others follow once one on it is ready.' },
}

/** Why an empty pool does not fill. */
export function heldWords({ code, reason, until }: Held): { what: string; why: string; todo: string } {
  const { what, todo } = HELD[code] ?? { what: 'The pool is not being refilled.', todo: 'It goes on by itself.' }
  const at = until === null ? '' : `, until ${formatClock(Date.parse(until))}`
  // that it is paused is all there is to say
  return { what, why: code === 'PAUSED' ? '' : sentence(reason + at), todo }
}

/** What the latency of claims beside its median is. */
export function latencyWords({ stepSeconds }: Pick<Stats, 'stepSeconds'>, { p95Ms, p99Ms }: Figures): string {
  const [which, ms] = p99Ms === null ? ['p95', p95Ms] : ['p99', p99Ms]
  const step = stepSeconds === 60 ? 'minute' : stepSeconds === 3600 ? 'hour' : formatAge(stepSeconds * 1000)
  return ms === null ? 'the median' : `the median; ${which} in the worst ${step} ${formatDuration(ms)}`
}

const rate = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 })

/** How many a minute these are, over the whole window. */
export const rateWords = (count: number, { stepSeconds, points }: Pick<Stats, 'stepSeconds' | 'points'>): string =>
  `${rate.format((count * 60) / Math.max(60, stepSeconds * points.length))} a minute`

/** How far an image is trusted. */
export function imageWords({ state, breaker, failures, retryAt }: Image, now: number): string {
  const failed = `${plural(failures, 'creation')} failed in a row`
  if (breaker === 'half_open') return `breaker half open: ${failed}, one attempt at a time`
  if (breaker === 'open') {
    const waits = retryAt === null ? 0 : Date.parse(retryAt) - now
    return `breaker open: ${failed}, ${waits > 0 ? `next attempt in ${formatAge(waits)}` : 'next attempt now'}`
  }
  if (state === 'untrusted') return failures > 0 ? `not proven yet: ${failed}` : 'not proven yet'
  return failures > 0 ? `trusted, but ${failed}` : 'trusted'
}

/** An image by the beginning of its digest. */
export const imageName = (image: string | null): string =>
  image === null ? 'not known yet' : image === 'unresolved' ? 'chosen by services' : shortDigest(image)

const NAMES: Record<string, string> = {
  railway: 'Railway',
  openrouter: 'OpenRouter',
  agentmail: 'AgentMail',
  telnyx: 'Telnyx',
  bankr: 'Bankr',
  ghcr: 'GHCR',
}
export const providerName = (provider: string): string => NAMES[provider] ?? provider

export interface Budget {
  text: string
  /** 0 … 1; null: not limited. */
  share: number | null
  /** `warn`: nearly spent, or failing; `bad`: nothing can be asked now. */
  level: 'fine' | 'warn' | 'bad'
  /** What is wrong, if anything is. */
  trouble: string | null
}

const NEARLY = 0.8

/** What is left of what we may ask of a provider. */
export function budgetOf({ requests, budget, left, ...provider }: Provider, now: number): Budget {
  if (!provider.configured) return { text: 'not configured', share: null, level: 'fine', trouble: null }
  const used = budget === null ? requests : budget - (left ?? budget)
  const text =
    budget === null
      ? `${plural(used, 'call')} this hour, no limit`
      : `${formatNumber(used)} of ${formatNumber(budget)} calls this hour`
  const share = budget === null ? null : Math.min(1, used / Math.max(1, budget))
  const trouble = troubleWith(provider, now)
  const isShut = provider.health === 'blocked' || share === 1
  return { text, share, trouble, level: isShut ? 'bad' : trouble || (share ?? 0) >= NEARLY ? 'warn' : 'fine' }
}

type Health = Pick<Provider, 'health' | 'blockedUntil' | 'lastError' | 'refused' | 'failed'>

function troubleWith({ health, blockedUntil, lastError, refused, failed }: Health, now: number): string | null {
  if (health === 'blocked') {
    const waits = blockedUntil === null ? 0 : Date.parse(blockedUntil) - now
    return waits > 0 ? `it told us to wait ${formatAge(waits)} more` : 'it told us to wait'
  }
  if (health === 'failing') return `failing: ${lastError ?? 'its latest answer was a failure'}`
  const counts = [refused > 0 && `${formatNumber(refused)} refused`, failed > 0 && `${formatNumber(failed)} failed`]
  return counts.some(Boolean) ? counts.filter(Boolean).join(', ') : null
}

const KINDS: Record<string, (total: number) => string> = {
  replenish: (total) => `Replenish by ${plural(total, 'instance')}`,
  drain: (total) => `Drain ${plural(total, 'instance')}`,
  rollout: (total) => `Roll out to ${plural(total, 'instance')}`,
  reconcile: () => 'Reconcile',
  redeploy: () => 'Redeploy an agent',
  sync: (total) => `Sync ${plural(total, 'agent')} with their template`,
}

/** How an operation is called. */
export const operationName = ({ kind, total }: Operation): string => KINDS[kind]?.(total) ?? kind

const ENDED: Record<Exclude<Operation['state'], 'running'>, string> = { done: 'done', failed: 'failed', stopped: 'stopped' }

/** How far an operation is. */
export function progressText({ state, total, done, failed }: Operation): string {
  if (total === 0) return state === 'running' ? 'looking' : state === 'done' ? 'nothing was left to do' : ENDED[state]
  const figures = `${formatNumber(done)} of ${formatNumber(total)}${failed > 0 ? `, ${formatNumber(failed)} failed` : ''}`
  return state === 'running' ? figures : `${ENDED[state]}, ${figures}`
}

/** What a cell says to whoever cannot see where it stands. */
export const cellLabel = ({ id, agentName, status, image }: Instance): string =>
  [agentName, id, status, image === null ? null : `image ${shortDigest(image)}`].filter(Boolean).join(', ')

/** What the supply line says at one of its points. */
export function supplyWords({ at, ready, target, claims }: Supply, index: number): string {
  const time = at[index]
  if (time === undefined) return ''
  const until = at[index + 1] ?? Infinity
  const here = claims.filter((one) => one.at >= time && one.at < until)
  const sum = (of: 'done' | 'empty') => here.reduce((total, one) => total + one[of], 0)
  const readyThen = ready[index] ?? null
  const targetThen = target[index] ?? null
  const parts = [
    readyThen === null ? 'not noted' : `${formatNumber(Math.round(readyThen * 10) / 10)} ready`,
    targetThen === null ? '' : `target ${formatNumber(targetThen)}`,
    sum('done') > 0 ? plural(sum('done'), 'claim') : '',
    sum('empty') > 0 ? `${formatNumber(sum('empty'))} found it empty` : '',
  ]
  return `${formatClock(time * 1000)}: ${parts.filter(Boolean).join(', ')}`
}

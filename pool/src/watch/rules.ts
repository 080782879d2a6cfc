import type { AlertCode, Provider } from '../contract/index.ts'
import type { Limits } from '../limits.ts'

/** What alerts are decided from. */
export interface AlertFacts {
  target: number
  ready: number
  /** Images on which creation keeps failing. */
  breakers: readonly { image: string; failures: number }[]
  /** Why the stock may not grow to its target; null while it may. */
  cap: string | null
  /** When a full look at the fleet was last completed, and how often one is due. */
  tickedAt: Date
  tickIntervalMs: number
  deleting: { count: number; oldestSince: Date | null }
  servicesAnsweredAt: Date
  /** Null: services could not be asked. */
  providers: readonly Provider[] | null
}

export interface Firing {
  code: AlertCode
  /** One line for whoever is woken up. */
  detail: string
}

type AlertLimits = Pick<Limits, 'tickLateIntervals' | 'deletionStuckMs' | 'servicesSilentMs' | 'creditLowUsd'>
type Rule = (facts: AlertFacts, now: Date, limits: AlertLimits) => string | null

/** Why each alert fires; null: it does not. */
const RULES: { [code in AlertCode]: Rule } = {
  POOL_EMPTY: ({ target, ready }) => (target > 0 && ready === 0 ? `no instance is ready; ${target} are to be kept` : null),
  BREAKER_OPEN: ({ breakers }) =>
    breakers.length > 0
      ? breakers.map(({ image, failures }) => `creation on ${image} failed ${failures} times in a row`).join('; ')
      : null,
  CAP_REACHED: ({ cap }) => cap,
  TICK_LATE: ({ tickedAt, tickIntervalMs }, now, { tickLateIntervals }) =>
    since(tickedAt, now) > tickLateIntervals * tickIntervalMs
      ? `the fleet was last looked at as a whole at ${tickedAt.toISOString()}; it is due every ${tickIntervalMs / 1000} s`
      : null,
  DELETIONS_STUCK: ({ deleting: { count, oldestSince } }, now, { deletionStuckMs }) =>
    oldestSince && since(oldestSince, now) > deletionStuckMs
      ? `${count} ${count === 1 ? 'instance is' : 'instances are'} being deleted, the longest since ${oldestSince.toISOString()}`
      : null,
  CREDIT_LOW: ({ providers }, _now, { creditLowUsd }) => {
    const low = (providers ?? []).filter((p) => p.creditRemaining !== null && p.creditRemaining < creditLowUsd)
    return low.length > 0 ? low.map(creditOf).join('; ') : null
  },
  SERVICES_UNREACHABLE: ({ servicesAnsweredAt }, now, { servicesSilentMs }) =>
    since(servicesAnsweredAt, now) > servicesSilentMs
      ? `services has not answered since ${servicesAnsweredAt.toISOString()}`
      : null,
}

const since = (at: Date, now: Date): number => now.getTime() - at.getTime()

function creditOf({ provider, creditRemaining, creditAt }: Provider): string {
  const left = creditRemaining !== null && creditRemaining > 0 ? `${creditRemaining.toFixed(2)} USD left` : 'no credit left'
  return `${provider}: ${left}${creditAt === null ? '' : `, as of ${creditAt}`}`
}

const entries = Object.entries(RULES) as [AlertCode, Rule][]

/** What is wrong now, each with one line about it. */
export const alertsOf = (facts: AlertFacts, now: Date, limits: AlertLimits): Firing[] =>
  entries.flatMap(([code, rule]) => {
    const detail = rule(facts, now, limits)
    return detail === null ? [] : [{ code, detail }]
  })

/** What cannot be said now: alerts of these codes stay as they are. */
export const unknownOf = (facts: AlertFacts): AlertCode[] => (facts.providers === null ? ['CREDIT_LOW'] : [])

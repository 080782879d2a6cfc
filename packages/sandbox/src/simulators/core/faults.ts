import { z } from 'zod'
import { type Aim, AIMS, aimOf, Effect, type EffectOf } from './effects.ts'
import { PROVIDERS, type ProviderName } from './providers.ts'

const Rule = z.strictObject({
  provider: z.enum(PROVIDERS),
  match: z
    .strictObject({
      /** A GraphQL operation name or root field; the event type of a webhook; the mutation that caused a deployment. */
      operation: z.string().min(1).optional(),
      method: z.string().min(1).optional(),
      /** With or without the provider's prefix; `*` stands for anything. */
      path: z.string().min(1).optional(),
      /** The agent that an instance or a deployment belongs to, as our marker tells it. */
      instanceId: z.string().min(1).optional(),
    })
    .default({}),
  /** How often it strikes; absent: until it is cleared. */
  times: z.int().positive().optional(),
  effect: Effect,
})

/** Who can be asked for what only some simulators do: a rule that could never strike is refused. */
const ABLE: Partial<Record<Effect['kind'], readonly ProviderName[]>> = {
  'stale-list': ['railway', 'openrouter', 'agentmail', 'telnyx', 'bankr'],
  webhook: ['telnyx'],
  deployment: ['railway'],
  instance: ['railway'],
}

export const FaultRule = Rule.superRefine(({ effect, provider, match }, ctx) => {
  const refuse = (path: string[], message: string) => ctx.addIssue({ code: 'custom', path, message })
  if (ABLE[effect.kind]?.includes(provider) === false) refuse(['effect', 'kind'], 'this provider has no such effect')
  const matchable: readonly string[] = AIMS[aimOf(effect)]
  for (const name of Object.keys(match)) {
    if (!matchable.includes(name)) refuse(['match', name], 'this effect cannot be matched by it')
  }
})
export type FaultRule = z.input<typeof FaultRule>

export interface ActiveFault extends z.output<typeof FaultRule> {
  id: string
  hits: number
  /** How many requests, or answers, wait now for the rule to be cleared. */
  held: number
  /** Resolves when the rule is cleared. */
  cleared: Promise<void>
}

/** What a rule is matched against. */
export interface Target {
  provider: ProviderName
  at: Aim
  names?: string[]
  method?: string
  paths?: string[]
  instanceId?: string | null
}

export interface FaultStore {
  add(rule: unknown): ActiveFault
  list(): Omit<ActiveFault, 'cleared'>[]
  /** Clears one rule, or all; requests that hang on it go on. Returns how many there were. */
  clear(id?: string): number
  /** The rules that strike this target, one by one; each counts down as it is taken. */
  strike(target: Target): Generator<ActiveFault>
}

/** A rule that makes sense, but not to the simulator as it runs now. */
class FaultRefused extends Error {
  override name = 'FaultRefused'
  readonly status = 400
}

/** `objection` says why a simulator, as it runs now, cannot do what a rule asks for; null: it can. */
export function faultStore(objection: (rule: z.output<typeof FaultRule>) => string | null = () => null): FaultStore {
  const rules = new Map<string, ActiveFault & { release: () => void }>()
  let lastId = 0

  return {
    add(input) {
      const parsed = FaultRule.parse(input)
      const refused = objection(parsed)
      if (refused !== null) throw new FaultRefused(refused)
      const { promise: cleared, resolve: release } = Promise.withResolvers<void>()
      const rule = { ...parsed, id: `fault-${++lastId}`, hits: 0, held: 0, cleared, release }
      rules.set(rule.id, rule)
      return rule
    },
    list: () =>
      [...rules.values()].map(({ id, provider, match, times, effect, hits, held }) => ({
        id,
        provider,
        match,
        times,
        effect,
        hits,
        held,
      })),
    clear(id) {
      const doomed = [...rules.values()].filter((rule) => id === undefined || rule.id === id)
      for (const rule of doomed) {
        rules.delete(rule.id)
        rule.release()
      }
      return doomed.length
    },
    *strike(target) {
      for (const rule of rules.values()) {
        const spent = rule.times !== undefined && rule.hits >= rule.times
        if (spent || !matches(rule, target)) continue
        rule.hits++
        yield rule
      }
    },
  }
}

/** A rule of which it is known what it does. */
export type FaultOf<K extends Effect['kind']> = ActiveFault & { effect: EffectOf<K> }

/** The rules of one kind that strike this target, one by one; each counts down as it is taken. */
export function* striking<K extends Effect['kind']>(faults: FaultStore, kind: K, target: Target): Generator<FaultOf<K>> {
  const wanted = (fault: ActiveFault): fault is FaultOf<K> => fault.effect.kind === kind
  for (const fault of faults.strike(target)) if (wanted(fault)) yield fault
}

function matches({ provider, match, effect }: ActiveFault, target: Target): boolean {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
  const { operation, method, path, instanceId } = match
  return (
    provider === target.provider &&
    aimOf(effect) === target.at &&
    (operation === undefined || target.names?.some((name) => same(name, operation)) === true) &&
    (method === undefined || same(method, target.method ?? '')) &&
    (path === undefined || target.paths?.some((candidate) => globMatches(path, candidate)) === true) &&
    (instanceId === undefined || instanceId === target.instanceId)
  )
}

function globMatches(pattern: string, path: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*')
  return new RegExp(`^${expression}$`).test(path)
}

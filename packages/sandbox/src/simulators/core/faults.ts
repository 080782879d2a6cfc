import { z } from 'zod'
import { PROVIDERS, type ProviderName, WEBHOOK_FAULTS, type WebhookFault } from './simulator.ts'

const Effect = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    /** A string is sent as it is, anything else as JSON. */
    body: z.unknown().optional(),
    headers: z.record(z.string(), z.string()).default({}),
  }),
  z.strictObject({ kind: z.literal('graphql-error'), message: z.string() }),
  z.strictObject({ kind: z.literal('html-429') }),
  /** The request is carried out late, even when its caller has left by then. */
  z.strictObject({ kind: z.literal('latency'), ms: z.int().min(0) }),
  /** The request waits until the rule is cleared, then goes on; when its caller leaves first, it never happened. */
  z.strictObject({ kind: z.literal('hang') }),
  z.strictObject({ kind: z.literal('drop-before') }),
  /** The request is carried out, its answer is lost. */
  z.strictObject({ kind: z.literal('drop-after') }),
  /** Lists do not show yet what was created in the last `ms`. */
  z.strictObject({ kind: z.literal('stale-list'), ms: z.int().positive() }),
  /** What becomes of a webhook: it is never sent, is sent twice, or is overtaken by the next one. */
  z.strictObject({ kind: z.literal('webhook'), how: z.enum(WEBHOOK_FAULTS) }),
])
export type Effect = z.infer<typeof Effect>

const Rule = z.strictObject({
  provider: z.enum(PROVIDERS),
  match: z
    .strictObject({
      /** A GraphQL operation name or root field; the event type of a webhook. */
      operation: z.string().min(1).optional(),
      method: z.string().min(1).optional(),
      /** With or without the provider's prefix; `*` stands for anything. */
      path: z.string().min(1).optional(),
    })
    .default({}),
  /** How often it strikes; absent: until it is cleared. */
  times: z.int().positive().optional(),
  effect: Effect,
})

/** Who can be asked for what only some simulators do: a rule that could never strike is refused. */
const ABLE: Partial<Record<Effect['kind'], readonly ProviderName[]>> = {
  'stale-list': ['openrouter', 'agentmail', 'telnyx', 'bankr'],
  webhook: ['telnyx'],
}

export const FaultRule = Rule.refine(({ effect, provider }) => ABLE[effect.kind]?.includes(provider) ?? true, {
  path: ['effect', 'kind'],
  error: 'this provider has no such effect',
})
export type FaultRule = z.input<typeof FaultRule>

export interface ActiveFault extends z.output<typeof FaultRule> {
  id: string
  hits: number
  /** Resolves when the rule is cleared. */
  cleared: Promise<void>
}

/** What a rule is matched against. */
interface Target {
  provider: ProviderName
  /** Absent: a request to the provider. */
  webhook?: true
  names: string[]
  method: string
  paths: string[]
}

export interface FaultStore {
  add(rule: unknown): ActiveFault
  list(): Omit<ActiveFault, 'cleared'>[]
  /** Clears one rule, or all; requests that hang on it go on. Returns how many there were. */
  clear(id?: string): number
  /** The rules that strike this request or webhook, one by one; each counts down as it is taken. */
  strike(target: Target): Generator<ActiveFault>
}

export function faultStore(): FaultStore {
  const rules = new Map<string, ActiveFault & { release: () => void }>()
  let lastId = 0

  return {
    add(input) {
      const { promise: cleared, resolve: release } = Promise.withResolvers<void>()
      const rule = { ...FaultRule.parse(input), id: `fault-${++lastId}`, hits: 0, cleared, release }
      rules.set(rule.id, rule)
      return rule
    },
    list: () =>
      [...rules.values()].map(({ id, provider, match, times, effect, hits }) => ({ id, provider, match, times, effect, hits })),
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

/** What becomes of a webhook of this type; `null`: it is delivered. */
export function webhookFault(faults: FaultStore, provider: ProviderName, eventType: string): WebhookFault | null {
  for (const { effect } of faults.strike({ provider, webhook: true, names: [eventType], method: 'POST', paths: [] })) {
    if (effect.kind === 'webhook') return effect.how
  }
  return null
}

function matches({ provider, match, effect }: ActiveFault, target: Target): boolean {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
  const { operation, method, path } = match
  return (
    provider === target.provider &&
    (effect.kind === 'webhook') === (target.webhook ?? false) &&
    (operation === undefined || target.names.some((name) => same(name, operation))) &&
    (method === undefined || same(method, target.method)) &&
    (path === undefined || target.paths.some((candidate) => globMatches(path, candidate)))
  )
}

function globMatches(pattern: string, path: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*')
  return new RegExp(`^${expression}$`).test(path)
}

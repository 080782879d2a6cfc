import { ProviderError } from '../../src/infra/errors.ts'
import type { InfraProvider } from '../../src/infra/provider.ts'

/** `before`: the call never happened; `after`: it did, its answer is lost; `hang`: it happens, and no answer ever comes. */
type Fault = 'before' | 'after' | 'hang'

export interface Faults {
  /** Strikes the next `times` calls of this verb. */
  inject(verb: string, fault: Fault | Error, times?: number): void
  /** How often each verb was called. */
  calls: Map<string, number>
  /** Resolves once a call of this verb hangs. */
  hanging(verb: string): Promise<void>
}

type Method = (...args: never[]) => Promise<unknown>

/** Plans faults, and puts them in front of methods. */
function faultPlan() {
  const planned = new Map<string, (Fault | Error)[]>()
  const calls = new Map<string, number>()
  const hung = new Map<string, PromiseWithResolvers<void>>()
  const hanging = (verb: string) => {
    const entry = hung.get(verb) ?? Promise.withResolvers<void>()
    hung.set(verb, entry)
    return entry
  }
  const lost = (operation: string) =>
    new ProviderError('the connection broke', { provider: 'fake', operation, kind: 'transient', uncertain: true })

  const faults: Faults = {
    calls,
    inject: (verb, fault, times = 1) =>
      void planned.set(verb, [...(planned.get(verb) ?? []), ...Array<Fault | Error>(times).fill(fault)]),
    hanging: (verb) => hanging(verb).promise,
  }
  const behind = <M extends Method>(verb: string, method: M): M =>
    (async (...args: Parameters<M>): Promise<unknown> => {
      calls.set(verb, (calls.get(verb) ?? 0) + 1)
      const fault = planned.get(verb)?.shift()
      if (fault instanceof Error) throw fault
      if (fault === 'before') throw lost(verb)
      const result = await method(...args)
      if (fault === 'after') throw lost(verb)
      if (fault === 'hang') {
        hanging(verb).resolve()
        await new Promise(() => {})
      }
      return result
    }) as unknown as M
  return { faults, behind }
}

/** Puts faults between a caller and every method of `target`. */
export function withFaults<T extends object>(target: T): { target: T; faults: Faults } {
  const { faults, behind } = faultPlan()
  const wrapped = Object.fromEntries(Object.entries(target).map(([verb, method]) => [verb, behind(verb, method as Method)])) as T
  return { target: wrapped, faults }
}

/** The same for a provider of places; a step's verbs are called `create <step>` and `find <step>`. */
export function withInfraFaults(provider: InfraProvider): { target: InfraProvider; faults: Faults } {
  const { faults, behind } = faultPlan()
  const verbs = Object.fromEntries(
    Object.entries(provider).map(([verb, value]) => [verb, typeof value === 'function' ? behind(verb, value as Method) : value]),
  ) as unknown as InfraProvider
  const [root, ...inside] = provider.ensure.map((step) => ({
    ...step,
    create: behind(`create ${step.name}`, (p) => step.create(p)),
    find: behind(`find ${step.name}`, (p) => step.find(p)),
  }))
  if (!root) throw new Error('a provider without steps')
  return { target: { ...verbs, ensure: [root, ...inside] }, faults }
}

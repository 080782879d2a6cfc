import { ProviderError } from '../../src/infra/errors.ts'

/** `before`: the call never happened; `after`: it did, its answer is lost; `hang`: it happens, and no answer ever comes. */
type Fault = 'before' | 'after' | 'hang'

export interface Faults {
  /** Strikes the next `times` calls of this verb. */
  inject(verb: string, fault: Fault | ProviderError, times?: number): void
  /** How often each verb was called. */
  calls: Map<string, number>
  /** Resolves once a call of this verb hangs. */
  hanging(verb: string): Promise<void>
}

/** Puts faults between a caller and every method of `target`. */
export function withFaults<T extends object>(target: T): { target: T; faults: Faults } {
  const planned = new Map<string, (Fault | ProviderError)[]>()
  const calls = new Map<string, number>()
  const hung = new Map<string, PromiseWithResolvers<void>>()
  const hanging = (verb: string) => {
    const entry = hung.get(verb) ?? Promise.withResolvers<void>()
    hung.set(verb, entry)
    return entry
  }
  const lost = (operation: string) =>
    new ProviderError('the connection broke', { provider: 'fake', operation, kind: 'transient', uncertain: true })

  const wrapped = Object.fromEntries(
    Object.entries(target).map(([verb, method]) => [
      verb,
      async (...args: unknown[]): Promise<unknown> => {
        calls.set(verb, (calls.get(verb) ?? 0) + 1)
        const fault = planned.get(verb)?.shift()
        if (fault instanceof ProviderError) throw fault
        if (fault === 'before') throw lost(verb)
        const result = await (method as (...args: unknown[]) => Promise<unknown>)(...args)
        if (fault === 'after') throw lost(verb)
        if (fault === 'hang') {
          hanging(verb).resolve()
          await new Promise(() => {})
        }
        return result
      },
    ]),
  ) as T
  return {
    target: wrapped,
    faults: {
      calls,
      inject: (verb, fault, times = 1) =>
        void planned.set(verb, [...(planned.get(verb) ?? []), ...Array<Fault | ProviderError>(times).fill(fault)]),
      hanging: (verb) => hanging(verb).promise,
    },
  }
}

import { traceparent } from '@convos/kit'

/** In which trace the runner goes on with an instance: that of who wished something for it last, as far as this process was told. */
export interface Traces {
  note(instanceId: string): void
  of(instanceId: string): string | null
  /** It has come to rest. */
  forget(instanceId: string): void
}

const MAX = 1_000

export function createTraces(): Traces {
  const parents = new Map<string, string>()
  return {
    note(instanceId) {
      const parent = traceparent()
      if (parent === null) return
      parents.delete(instanceId)
      parents.set(instanceId, parent)
      const [oldest] = parents.keys()
      if (parents.size > MAX && oldest !== undefined) parents.delete(oldest)
    },
    of: (instanceId) => parents.get(instanceId) ?? null,
    forget: (instanceId) => void parents.delete(instanceId),
  }
}

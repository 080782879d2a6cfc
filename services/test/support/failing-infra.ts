import { ProviderError } from '../../src/infra/errors.ts'
import type { InfraProvider } from '../../src/infra/provider.ts'

type Method = (...args: never[]) => Promise<unknown>

const READS = ['find', 'list', 'inspect', 'status', 'logs', 'gone']

/** Lets the next call of whichever verb fail, as a real provider's would. */
export function failingInfra(target: InfraProvider): { provider: InfraProvider; fail(how: 'lost' | 'refused'): void } {
  let next: 'lost' | 'refused' | null = null
  const wrap = <M extends Method>(operation: string, method: M): M =>
    (async (...args: Parameters<M>) => {
      const how = next
      next = null
      const p = { provider: target.name, operation }
      if (how === 'refused') throw new ProviderError('invalid input', { ...p, kind: 'permanent', uncertain: false })
      const result = await method(...args)
      if (how === 'lost')
        throw new ProviderError('the connection broke', { ...p, kind: 'transient', uncertain: !READS.includes(operation) })
      return result
    }) as unknown as M
  const wrapped = Object.entries(target).map(([verb, value]) => [
    verb,
    typeof value === 'function' ? wrap(verb, value as Method) : value,
  ])
  const [root, ...inside] = target.ensure.map((step) => ({
    ...step,
    create: wrap('create', step.create),
    find: wrap('find', step.find),
  }))
  if (!root) throw new Error('a provider without steps')
  return {
    provider: { ...(Object.fromEntries(wrapped) as InfraProvider), ensure: [root, ...inside] },
    fail: (how) => void (next = how),
  }
}

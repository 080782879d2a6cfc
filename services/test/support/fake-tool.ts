import { randomBytes, randomUUID } from 'node:crypto'
import type { ToolPlugin } from '../../src/registry.ts'

export interface FakeKey {
  resourceId: string
  name: string
  secret: string
}

type Verbs = Pick<ToolPlugin, 'create'> & NonNullable<ToolPlugin['external']>

/** A provider of keys whose secret is told once, in memory. */
export function fakeKeys(): { keys: Map<string, FakeKey>; verbs: Verbs } {
  const keys = new Map<string, FakeKey>()
  return {
    keys,
    verbs: {
      async create({ marker }) {
        const key = { resourceId: randomUUID(), name: marker, secret: randomBytes(16).toString('hex') }
        keys.set(key.resourceId, key)
        return { resourceId: key.resourceId, config: {}, envVars: { OPENROUTER_API_KEY: key.secret } }
      },
      list: async () => [...keys.values()].map(({ resourceId, name }) => ({ resourceId, name })),
      destroy: async (resourceId) => void keys.delete(resourceId),
    },
  }
}

export const keyPlugin = ({ create, list, destroy }: Verbs): ToolPlugin => ({
  toolId: 'openrouter',
  name: 'Keys',
  provisioning: ['always'],
  available: true,
  create,
  external: { list, destroy },
})

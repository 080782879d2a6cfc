import { randomBytes, randomUUID } from 'node:crypto'
import type { ResourceKind, ToolPlugin } from '../../src/registry.ts'

export interface FakeKey {
  resourceId: string
  name: string
  secret: string
}

type Verbs = Pick<ResourceKind, 'create' | 'destroy' | 'find'> & { list: NonNullable<ResourceKind['list']> }

/** A provider of keys whose secret is told once, in memory; each gives the variable of that name. */
export function fakeKeys(variable = 'OPENROUTER_API_KEY'): { keys: Map<string, FakeKey>; verbs: Verbs } {
  const keys = new Map<string, FakeKey>()
  return {
    keys,
    verbs: {
      async create({ key: name }) {
        const key = { resourceId: randomUUID(), name, secret: randomBytes(16).toString('hex') }
        keys.set(key.resourceId, key)
        return { resourceId: key.resourceId, config: {}, envVars: { [variable]: key.secret } }
      },
      find: async (key) => [...keys.values()].filter(({ name }) => name === key).map(({ resourceId }) => resourceId),
      list: async () => [...keys.values()].map(({ resourceId, name }) => ({ resourceId, key: name, createdAt: null })),
      destroy: async (resourceId) => void keys.delete(resourceId),
    },
  }
}

export const keyPlugin = (verbs: Verbs, toolId = 'openrouter'): ToolPlugin => ({
  toolId,
  name: 'Keys',
  provisioning: [toolId === 'openrouter' ? 'always' : 'pool'],
  available: true,
  resources: [
    { kind: 'key', variables: [toolId === 'openrouter' ? 'OPENROUTER_API_KEY' : 'FAKE_KEY'], repeat: 'replace', ...verbs },
  ],
})

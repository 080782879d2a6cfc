import { z } from 'zod'
import { isKind } from '../infra/errors.ts'
import type { CountRequest } from '../metrics.ts'
import type { ToolPlugin } from '../registry.ts'
import { createRestClient } from './rest.ts'

export interface OpenrouterOptions {
  url: string
  managementKey: string
  /** USD per reset period. */
  limit: number
  limitReset: 'daily' | 'weekly' | 'monthly'
}

/** The provider's page size; it cannot be chosen. */
const PAGE = 100
/** Pages are by offset over a changing set: they overlap, so that keys deleted meanwhile push none past us. */
const STRIDE = 50

const Key = z.object({ hash: z.string(), name: z.string() })
const Created = z.object({ key: z.string(), data: Key })
const Page = z.object({ data: z.array(Key) })

/** A model key of its own for every instance. The key itself is told once, at its creation. */
export function openrouter(options: OpenrouterOptions | null, count: CountRequest): ToolPlugin {
  const call = createRestClient({
    provider: 'openrouter',
    baseUrl: options?.url ?? '',
    token: options?.managementKey ?? '',
    count,
  })
  return {
    toolId: 'openrouter',
    name: 'OpenRouter',
    provisioning: ['always'],
    available: options !== null,

    async create({ marker }) {
      const { key, data } = await call('/keys', {
        operation: 'createKey',
        method: 'POST',
        json: { name: marker, limit: options?.limit, limit_reset: options?.limitReset },
        reply: Created,
      })
      return {
        resourceId: data.hash,
        config: { limit: options?.limit, limitReset: options?.limitReset },
        envVars: { OPENROUTER_API_KEY: key },
      }
    },

    external: {
      async list() {
        const keys = new Map<string, string>()
        for (let offset = 0; ; offset += STRIDE) {
          const { data } = await call(`/keys?include_disabled=true&offset=${offset}`, { operation: 'listKeys', reply: Page })
          for (const { hash, name } of data) keys.set(hash, name)
          if (data.length < PAGE) return [...keys].map(([resourceId, name]) => ({ resourceId, name }))
        }
      },

      async destroy(hash) {
        try {
          await call(`/keys/${encodeURIComponent(hash)}`, { operation: 'deleteKey', method: 'DELETE', reply: z.unknown() })
        } catch (err) {
          if (!isKind(err, 'not_found')) throw err
        }
      },
    },
  }
}

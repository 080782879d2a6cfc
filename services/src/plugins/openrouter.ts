import { z } from 'zod'
import type { Gate } from '../budget/gate.ts'
import type { ToolPlugin } from '../registry.ts'
import { keyIn } from './key.ts'
import { createRestClient, gone } from './rest.ts'

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

const Reset = z.enum(['daily', 'weekly', 'monthly'])
const Key = z.object({ hash: z.string(), name: z.string(), created_at: z.coerce.date() })
const Limits = z.object({ limit: z.number().nullable(), limit_reset: Reset.nullable(), disabled: z.boolean() })
const Measured = Limits.extend({
  limit_remaining: z.number().nullable(),
  usage: z.number(),
  usage_daily: z.number(),
  usage_weekly: z.number(),
  usage_monthly: z.number(),
})

const Created = z.object({ key: z.string(), data: Key })
const Page = z.object({ data: z.array(Key) })
const Changed = z.object({ data: Limits })
const Account = z.object({ data: z.object({ total_credits: z.number(), total_usage: z.number() }) })

const Change = z
  .strictObject({
    /** USD; null: none. */
    limit: z.number().min(0).nullable().optional(),
    limitReset: Reset.nullable().optional(),
    disabled: z.boolean().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'says nothing to change')

/** A model key of its own for every instance. The key itself is told once, at its creation. */
export function openrouter(options: OpenrouterOptions | null, gate: Gate): ToolPlugin {
  const call = createRestClient({
    provider: 'openrouter',
    baseUrl: options?.url ?? '',
    headers: { authorization: `Bearer ${options?.managementKey ?? ''}` },
    gate,
  })
  const at = (hash: string) => `/keys/${encodeURIComponent(hash)}`

  /** Every key of the account, ours or not. */
  async function allKeys(): Promise<z.output<typeof Key>[]> {
    const keys = new Map<string, z.output<typeof Key>>()
    for (let offset = 0; ; offset += STRIDE) {
      const { data } = await call(`/keys?include_disabled=true&offset=${offset}`, { operation: 'listKeys', reply: Page })
      for (const key of data) keys.set(key.hash, key)
      if (data.length < PAGE) return [...keys.values()]
    }
  }

  return {
    toolId: 'openrouter',
    name: 'OpenRouter',
    provisioning: ['always'],
    available: options !== null,
    resources: [
      {
        kind: 'key',
        variables: ['OPENROUTER_API_KEY'],
        repeat: 'replace',
        async create({ key: name }) {
          const { key, data } = await call('/keys', {
            operation: 'createKey',
            method: 'POST',
            json: { name, limit: options?.limit, limit_reset: options?.limitReset },
            reply: Created,
          })
          return {
            resourceId: data.hash,
            config: { limit: options?.limit, limitReset: options?.limitReset },
            envVars: { OPENROUTER_API_KEY: key },
          }
        },
        find: async (key) => (await allKeys()).filter(({ name }) => name === key).map(({ hash }) => hash),
        destroy: (hash) => gone(call(at(hash), { operation: 'deleteKey', method: 'DELETE', reply: z.unknown() })),
        list: async () =>
          (await allKeys()).flatMap(({ hash, name, created_at }) => {
            const key = keyIn(name)
            return key === null ? [] : [{ resourceId: hash, key, createdAt: created_at }]
          }),
      },
    ],

    update: {
      schema: Change,
      async apply({ resourceId, change }) {
        const { limit, limitReset, disabled } = Change.parse(change)
        const { data } = await call(at(resourceId), {
          operation: 'updateKey',
          method: 'PATCH',
          json: { limit, limit_reset: limitReset, disabled },
          reply: Changed,
        })
        return { config: { limit: data.limit, limitReset: data.limit_reset, disabled: data.disabled } }
      },
    },

    async usage(hash) {
      const [key, account] = await Promise.all([
        call(at(hash), { operation: 'readKey', reply: z.object({ data: Measured }) }),
        call('/credits', { operation: 'readCredits', reply: Account }),
      ])
      return sampleOf(key.data, account.data.total_credits - account.data.total_usage)
    },
  }
}

/** A key's own limit is one thing, an account without money another: only the first is mended by a higher limit. */
function sampleOf(key: z.output<typeof Measured>, accountRemaining: number) {
  const used = { daily: key.usage_daily, weekly: key.usage_weekly, monthly: key.usage_monthly }
  const atItsLimit = key.limit_remaining !== null && key.limit_remaining <= 0
  return {
    limit: key.limit,
    remaining: key.limit_remaining,
    /** Since the latest reset. */
    used: key.limit_reset === null ? key.usage : used[key.limit_reset],
    usedToday: key.usage_daily,
    reset: key.limit_reset,
    disabled: key.disabled,
    accountRemaining,
    exhausted: accountRemaining <= 0 ? 'account_empty' : atItsLimit ? 'key_limit' : null,
  }
}

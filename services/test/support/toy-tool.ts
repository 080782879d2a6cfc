import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ProviderError } from '../../src/infra/errors.ts'
import { type ToolPlugin, UserConfigRejected } from '../../src/registry.ts'
import { NotYet } from '../../src/saga.ts'

/** A doorbell company: bells, each with a PIN of its own. All of it stands in this file; one `register` line makes it a tool. */
export function toyTool() {
  const bells = new Map<string, { key: string; ready: boolean; volume: number }>()
  const pins = new Map<string, { bell: string; key: string }>()
  /** What the company does next. */
  const mood = { refuses: false, slow: false, asked: 0, sold: 0 }

  const plugin: ToolPlugin = {
    toolId: 'doorbell',
    name: 'Doorbell',
    provisioning: ['pool', 'user'],
    available: true,
    resources: [
      {
        kind: 'bell',
        variables: ['DOORBELL_ID'],
        repeat: 'same',
        async create({ key }) {
          if (mood.refuses)
            throw new ProviderError('no more bells', {
              provider: 'bells',
              operation: 'create',
              kind: 'permanent',
              uncertain: false,
            })
          const known = [...bells].find(([, bell]) => bell.key === key)
          const [id, bell] = known ?? [`bell-${++mood.sold}`, { key, ready: !mood.slow, volume: 5 }]
          bells.set(id, bell)
          if (!bell.ready) throw new NotYet(1_000, 'the bell is on its way')
          return { resourceId: id, config: { volume: bell.volume }, envVars: { DOORBELL_ID: id } }
        },
        find: async (key) => [...bells].flatMap(([id, bell]) => (bell.key === key ? [id] : [])),
        list: async () => [...bells].map(([resourceId, { key }]) => ({ resourceId, key, createdAt: null })),
        destroy: async (id) => void bells.delete(id),
      },
      {
        kind: 'pin',
        variables: ['DOORBELL_PIN'],
        repeat: 'replace',
        async create({ key, made }) {
          const pin = randomBytes(8).toString('hex')
          pins.set(pin, { bell: made['bell'] ?? '', key })
          return { resourceId: `pin ${pins.size} of ${made['bell']}`, config: {}, envVars: { DOORBELL_PIN: pin } }
        },
        find: async (key) => [...pins].flatMap(([pin, entry]) => (entry.key === key ? [pin] : [])),
        list: null,
        async destroy(resourceId) {
          for (const [pin, { bell }] of pins) if (pin === resourceId || resourceId.endsWith(` of ${bell}`)) pins.delete(pin)
        },
      },
    ],
    update: {
      schema: z.strictObject({ volume: z.number().int().min(0).max(10) }),
      async apply({ resourceId, change }) {
        const { volume } = z.object({ volume: z.number() }).parse(change)
        const bell = bells.get(resourceId)
        if (bell) bell.volume = volume
        return { config: { volume } }
      },
    },
    usage: async () => ({ rung: ++mood.asked }),
    userConfig: {
      schema: z.strictObject({ pin: z.string().min(4) }),
      async validate(userConfig) {
        const { pin } = z.object({ pin: z.string() }).parse(userConfig)
        if (pin === '0000') throw new UserConfigRejected([{ path: 'pin', message: 'is not yours' }])
        return { envVars: { DOORBELL_PIN: pin } }
      },
    },
  }
  return { plugin, bells, pins, mood }
}

import { z } from 'zod'
import type { Descriptor } from '@convos/sandbox/descriptor'

const Entry = z.looseObject({ id: z.string(), instanceId: z.string().nullable() })
export const Resources = z.object({
  railway: z.object({
    projects: z.array(
      Entry.extend({
        name: z.string(),
        services: z.array(z.unknown()),
        volumes: z.array(z.unknown()),
        domains: z.array(z.unknown()),
        deployments: z.array(
          z.object({
            id: z.string(),
            status: z.string(),
            image: z.string().nullable(),
            variables: z.record(z.string(), z.string()),
            volumeMounted: z.boolean(),
            domain: z.string().nullable(),
            pid: z.number().nullable(),
          }),
        ),
      }),
    ),
  }),
  openrouter: z.object({ keys: z.array(Entry) }),
  convos: z.object({ conversations: z.array(z.looseObject({ id: z.string() })) }),
})
export type Resources = z.infer<typeof Resources>

/** The test bed's own controls. */
export function controlClient({ controlUrl }: Descriptor) {
  const call = async (method: string, path: string, body?: unknown) => {
    const res = await fetch(`${controlUrl}/_control/${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}: ${await res.text()}`)
    return res
  }
  return {
    resources: async () => Resources.parse(await (await call('GET', 'resources')).json()),
    addFault: (rule: unknown) => call('POST', 'faults', rule),
    clearFaults: () => call('DELETE', 'faults'),
  }
}

export type ControlClient = ReturnType<typeof controlClient>

/** Holds creations back before anything of them exists. */
export const HOLD_CREATIONS = { provider: 'railway', match: { operation: 'projectCreate' }, effect: { kind: 'hang' } }

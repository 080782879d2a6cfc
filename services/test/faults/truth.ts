import { z } from 'zod'
import type { World } from './world.ts'

const Owned = z.object({ id: z.string(), instanceId: z.string().nullable() })
const Resources = z.object({
  railway: z.object({
    projects: z.array(
      Owned.extend({
        services: z.array(z.unknown()),
        volumes: z.array(z.unknown()),
        domains: z.array(z.unknown()),
        deployments: z.array(z.object({ image: z.string() })),
      }),
    ),
  }),
  openrouter: z.object({ keys: z.array(Owned) }),
  agentmail: z.object({ inboxes: z.array(Owned), inboxKeys: z.array(Owned) }),
  telnyx: z.object({ numbers: z.array(Owned) }),
  bankr: z.object({ wallets: z.array(Owned.extend({ keyActive: z.boolean() })) }),
})

/** What the providers hold, as lines that can be compared. */
export async function held(world: World): Promise<string[]> {
  const all = Resources.parse(await (await fetch(`${world.sim.url}/_control/resources`)).json())
  const lines = (kind: string, entries: { id: string; instanceId: string | null }[]) =>
    entries.map(({ id, instanceId }) => `${instanceId} ${kind} ${id}`)
  return [
    ...all.railway.projects.map(
      ({ id, instanceId, services, volumes, domains, deployments }) =>
        `${instanceId} project ${id}: ${services.length} service, ${volumes.length} volume, ${domains.length} domain, ` +
        `deployments ${deployments.map(({ image }) => image.slice(-4)).join(' ')}`,
    ),
    ...lines('openrouter.key', all.openrouter.keys),
    ...lines('email.inbox', all.agentmail.inboxes),
    ...lines('sms.number', all.telnyx.numbers),
    ...all.agentmail.inboxKeys.map(({ instanceId }) => `${instanceId} email.key`),
    ...all.bankr.wallets.map(({ id, keyActive }) => `wallet ${id}: key ${keyActive ? 'active' : 'revoked'}`),
  ].toSorted()
}

/** What the ledger says they hold: one of each, one deployment per image that was asked for, and nothing of what is gone. */
export async function recorded(world: World): Promise<string[]> {
  const { rows: instances } = await world.db.query<{
    id: string
    place: Record<string, string>
    rollout: number
    image: string
    first: string
  }>(
    `select instance_id as id, place, rollout, image, (select digest from wanted_images limit 1) as first
     from instance_infra where phase <> 'destroyed'`,
  )
  const { rows: tools } = await world.db.query<{ id: string; tool: string; kind: string; resource: string; state: string }>(
    `select instance_id as id, tool_id as tool, kind, resource_id as resource, state from instance_services
     where (state not in ('destroyed', 'retained') or tool_id = 'crypto') and tool_id <> 'wallet' and resource_id is not null`,
  )
  return [
    ...instances.map(({ id, place, rollout, image, first }) => {
      const images = rollout === 1 ? [image] : [first, image]
      return (
        `${id} project ${place['projectId']}: 1 service, 1 volume, 1 domain, ` +
        `deployments ${images.map((digest) => digest.slice(-4)).join(' ')}`
      )
    }),
    ...tools.map(({ id, tool, kind, resource, state }) => {
      if (tool === 'crypto') return `wallet ${resource}: key ${state === 'active' ? 'active' : 'revoked'}`
      return kind === 'key' && tool === 'email' ? `${id} email.key` : `${id} ${tool}.${kind} ${resource}`
    }),
  ].toSorted()
}

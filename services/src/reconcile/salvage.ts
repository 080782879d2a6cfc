import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { ImageRef } from '../contract/index.ts'
import type { Inspected } from '../infra/provider.ts'
import type { ToolPlugin } from '../registry.ts'
import { nameOf } from './sources.ts'

/** Why an instance cannot be taken back; a sentence for people. */
export class NotAdoptable extends Error {
  override name = 'NotAdoptable'
}

export interface Identity {
  domain: string
  image: string
  deploymentId: string
  controlToken: string
  gatewayToken: string
  servicesToken: string
  /** Everything that it was given. */
  env: Record<string, string>
}

const Own = z.object({
  INSTANCE_ID: z.string(),
  INSTANCE_CONTROL_TOKEN: z.string().min(1),
  OPENCLAW_GATEWAY_TOKEN: z.string().min(1),
  INSTANCE_SERVICES_TOKEN: z.string().min(1),
})

/**
 * What an instance is, by what its provider has of it.
 * @throws NotAdoptable
 */
export function identityOf(instanceId: string, inspected: Inspected | null): Identity {
  if (!inspected) throw new NotAdoptable('the provider does not let us see its variables')
  const { domain, image, deploymentId, variables } = inspected
  const own = Own.safeParse(variables)
  if (!own.success) {
    const names = own.error.issues.map(({ path }) => path.join('.')).join(', ')
    throw new NotAdoptable(`its variables cannot be read, or lack ${names}`)
  }
  if (own.data.INSTANCE_ID !== instanceId) throw new NotAdoptable(`its variables are those of instance ${own.data.INSTANCE_ID}`)
  if (domain === null) throw new NotAdoptable('it has no address')
  if (deploymentId === null) throw new NotAdoptable('nothing was ever deployed in it')
  if (!ImageRef.safeParse(image).success || image === null) throw new NotAdoptable('its image is not known by its digest')
  return {
    domain,
    image,
    deploymentId,
    controlToken: own.data.INSTANCE_CONTROL_TOKEN,
    gatewayToken: own.data.OPENCLAW_GATEWAY_TOKEN,
    servicesToken: own.data.INSTANCE_SERVICES_TOKEN,
    env: variables,
  }
}

/** A ledger row to be. Without `resourceId` the runner finds what its key belongs to, and what that gives. */
export interface SalvagedResource {
  toolId: string
  kind: string
  position: number
  generation: number
  resourceId: string | null
  config: Record<string, unknown>
  /** What it gives, where that can be told; null when it cannot be told any more. */
  envVars: Record<string, string> | null
}

/** By `tool/kind`, what a list shows of this instance; a kind without a list is missing. */
export type Shown = ReadonlyMap<string, readonly { resourceId: string; generation: number }[]>

/**
 * The ledger rows of an instance's tools, by what the providers list and what its variables hold.
 * @throws NotAdoptable
 */
export function salvageTools(plugins: readonly ToolPlugin[], shown: Shown, env: Record<string, string>): SalvagedResource[] {
  return plugins.flatMap(({ toolId, provisioning, resources }) => {
    const inSomeList = resources.some(({ list }) => list !== null)
    return resources.flatMap(({ kind, repeat, variables }, position) => {
      const name = nameOf(toolId, kind)
      const row = { toolId, kind, position, config: {} }
      const known = variables.filter((variable) => env[variable] !== undefined)
      const envVars = known.length === 0 ? null : Object.fromEntries(known.map((variable) => [variable, env[variable] ?? '']))
      const listed = shown.get(name)
      if (!listed) return inSomeList || envVars === null ? [] : [unlisted(row, envVars)]
      const latest = listed.filter(({ generation }) => listed.every((other) => other.generation <= generation))
      const [present, second] = latest
      if (!present) return []
      if (second)
        throw new NotAdoptable(
          `two of ${name} carry its marker, ${present.resourceId} and ${second.resourceId}: delete the one that it does not use`,
        )
      // what can be looked up by its key again tells then what it gives; not so what was told once, or what is only made at a creation
      const askAgain = repeat !== 'replace' && !provisioning.includes('always')
      return [
        {
          ...row,
          generation: present.generation,
          resourceId: askAgain ? null : present.resourceId,
          envVars: askAgain ? null : envVars,
        },
      ]
    })
  })
}

type Row = Pick<SalvagedResource, 'toolId' | 'kind' | 'position' | 'config'>

/** A wallet is nowhere but in its key; what else no list shows is found again by its own. */
function unlisted(row: Row, envVars: Record<string, string>): SalvagedResource {
  const key = envVars['PRIVATE_WALLET_KEY']
  if (key === undefined) return { ...row, generation: 1, resourceId: null, envVars: null }
  const address = addressOf(key)
  return { ...row, generation: 1, resourceId: address, config: { address }, envVars }
}

function addressOf(key: string): string {
  const Key = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/i)])
  const parsed = Key.safeParse(key)
  if (!parsed.success) throw new NotAdoptable('its PRIVATE_WALLET_KEY is not a key')
  return privateKeyToAccount(parsed.data).address
}

import { Problem } from '@convos/kit'
import type { Context } from '../context.ts'
import { type InstanceAccess, readAccess } from '../db/instances.ts'

export interface ReachableInstance {
  instanceId: string
  url: string
  gatewayToken: string
  controlToken: string
}

export const unknownInstance = (instanceId: string) =>
  new Problem({ status: 404, code: 'INSTANCE_UNKNOWN', detail: `there is no instance ${instanceId}` })

export const foreignClaim = () =>
  new Problem({
    status: 409,
    code: 'FOREIGN_CLAIM',
    detail: 'the instance is bound to another claim',
    extra: { fault: 'instance', instanceCode: null },
  })

export const notRunning = (instanceId: string) =>
  new Problem({ status: 409, code: 'INSTANCE_NOT_RUNNING', detail: `instance ${instanceId} is not running` })

/** @throws Problem 404 when it was never heard of or is gone */
export async function knownInstance({ db }: Context, instanceId: string): Promise<InstanceAccess> {
  const access = await readAccess(db, instanceId)
  if (!access || access.phase === 'destroyed') throw unknownInstance(instanceId)
  return access
}

/** An instance that can be talked to, with its tokens opened. */
export async function runningInstance(ctx: Context, instanceId: string): Promise<ReachableInstance> {
  const { wish, phase, url, gatewayToken, controlToken } = await knownInstance(ctx, instanceId)
  if (wish !== 'present' || phase !== 'running' || !url || !gatewayToken || !controlToken) throw notRunning(instanceId)
  return {
    instanceId,
    url,
    gatewayToken: ctx.vault.open(gatewayToken, `instance_infra/${instanceId}/gateway_token`),
    controlToken: ctx.vault.open(controlToken, `instance_infra/${instanceId}/control_token`),
  }
}

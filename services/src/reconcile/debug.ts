import { HttpError } from '@convos/kit'
import type { z } from 'zod'
import type { Context } from '../context.ts'
import type { DebugReply, LogsReply } from '../contract/index.ts'
import type { InstanceAccess } from '../db/instances.ts'
import { readStatus } from '../db/status.ts'
import { asProblem } from '../infra/problem.ts'
import type { PlaceStatus } from '../infra/provider.ts'
import { knownInstance } from '../instance/access.ts'
import { stateOf } from '../instance/status.ts'
import { describe } from '../saga.ts'
import { askInstance } from './ask.ts'
import { rootOf } from './sources.ts'

/** The newest lines of the instance's latest deployment; none while nothing was deployed. */
export async function tailLogs(ctx: Context, instanceId: string, p: { limit: number }): Promise<z.infer<typeof LogsReply>> {
  const access = await knownInstance(ctx, instanceId)
  try {
    // a rollout has none yet while it is being made
    const deploymentId = access.deploymentId ?? (await statusOf(ctx, access))?.deployment?.id ?? null
    return { deploymentId, lines: deploymentId === null ? [] : await ctx.infra.logs(deploymentId, p) }
  } catch (err) {
    throw asProblem(err)
  }
}

/** How an instance is right now: what its provider says, and what it says itself. Nothing of it is recorded. */
export async function debugInstance(ctx: Context, instanceId: string): Promise<z.infer<typeof DebugReply>> {
  const access = await knownInstance(ctx, instanceId)
  const [[row], deployment, probe] = await Promise.all([
    readStatus(ctx.db, [instanceId]),
    deploymentOf(ctx, access),
    probeOf(ctx, access),
  ])
  return { instanceId, state: stateOf(row), ...deployment, probe }
}

const hasPlace = (ctx: Context, { place }: InstanceAccess): boolean => rootOf(ctx, place) !== null

const statusOf = async (ctx: Context, access: InstanceAccess): Promise<PlaceStatus | null> =>
  hasPlace(ctx, access) ? ((await ctx.infra.status([access])).get(access.instanceId) ?? null) : null

type Deployment = Pick<z.infer<typeof DebugReply>, 'deployment' | 'deploymentError'>

async function deploymentOf(ctx: Context, access: InstanceAccess): Promise<Deployment> {
  const unknown = (deploymentError: string): Deployment => ({ deployment: null, deploymentError })
  if (!hasPlace(ctx, access)) return unknown('nothing was made at the provider yet')
  try {
    const status = await statusOf(ctx, access)
    if (!status) return unknown('the provider does not show it')
    if (status.deleted) return unknown('the provider says that it was deleted')
    return { deployment: status.deployment, deploymentError: null }
  } catch (err) {
    return unknown(describe(err))
  }
}

async function probeOf(
  { vault }: Context,
  { instanceId, url, controlToken }: InstanceAccess,
): Promise<z.infer<typeof DebugReply>['probe']> {
  if (url === null || controlToken === null) return null
  const token = vault.open(controlToken, `instance_infra/${instanceId}/control_token`)
  const startedAt = performance.now()
  const ms = () => Math.round(performance.now() - startedAt)
  try {
    const health = await askInstance({ url, controlToken: token })
    return { ms: ms(), health, error: null }
  } catch (err) {
    if (!(err instanceof HttpError)) throw err
    return { ms: ms(), health: null, error: err.message }
  }
}

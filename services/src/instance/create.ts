import type { Context } from '../context.ts'
import type { Lease } from '../db/runner.ts'
import { ensureResources, isLive, readTools, type ToolRow } from '../db/tools.ts'
import { placeSteps } from './place.ts'
import { rolloutSteps } from './rollout.ts'
import type { InstanceStep } from './run.ts'
import { always, resourceStep } from './tools.ts'

/** The steps of a creation, in the order that the provider's behaviour forces; their ledger rows are there before the first is taken. */
export async function creationSteps(ctx: Context, lease: Lease): Promise<InstanceStep[]> {
  for (const { toolId, resources } of always(ctx))
    await ensureResources(ctx.db, lease, { instanceId: lease.instanceId, toolId, kinds: resources.map(({ kind }) => kind) })
  const rows = (await readTools(ctx.db, [lease.instanceId])).filter((row) => isLive(row.state))
  const resourceSteps = always(ctx).flatMap((plugin) => stepsOf(ctx, rows, plugin.toolId))
  return [...placeSteps(ctx.infra), ...resourceSteps, ...rolloutSteps({ rollout: 1, restartOnly: false })]
}

const stepsOf = (ctx: Context, rows: ToolRow[], toolId: string): InstanceStep[] =>
  rows.filter((row) => row.toolId === toolId).map((row) => resourceStep(ctx.tools.getByToolId(toolId), row))

import { EnvRequest, OkReply } from '@convos/agent-server/contract'
import type { z } from 'zod'
import { recordRenamed } from '../db/creation.ts'
import { readStatus } from '../db/status.ts'
import { recordDelivered, readTools, type ToolRow } from '../db/tools.ts'
import { INSTANCE_CALL, PROBE_IN_TRANSITION } from '../limits.ts'
import { NotYet } from '../saga.ts'
import { callInstance } from './call.ts'
import type { Run } from './run.ts'
import { envOf, inUse, isAlways, isFor } from './tools.ts'

type Overlay = z.infer<typeof EnvRequest>['env']

/** Lays variables over those a running instance began with; null takes one away. */
async function overlay({ ctx, row }: Run, env: Overlay): Promise<void> {
  if (!row.url || !row.controlToken) throw new Error('the instance has no address yet')
  const controlToken = ctx.vault.open(row.controlToken, `instance_infra/${row.instanceId}/control_token`)
  await callInstance(
    { url: row.url, controlToken },
    { method: 'POST', path: '/pool/env', json: { env }, timeoutMs: INSTANCE_CALL, reply: OkReply },
  )
}

/** Gives a claimed instance the variables of the tools that it got since; those it began with it has. */
export async function deliver(run: Run): Promise<void> {
  const { ctx, lease, row } = run
  const rows = (await readTools(ctx.db, [row.instanceId])).filter(
    (tool) => inUse(tool) && !tool.delivered && !isAlways(ctx, tool) && isFor(row.claimId, tool),
  )
  if (row.claimId === null || rows.length === 0) return
  const [status] = await readStatus(ctx.db, [row.instanceId])
  const bound = status?.health?.claimId ?? null
  // a claim that comes to it replaces all that was laid over before
  if (bound === null) throw new NotYet(PROBE_IN_TRANSITION, 'the instance does not know its claim yet')
  if (bound !== row.claimId) return
  await overlay(run, Object.assign({}, ...rows.map((tool) => envOf(ctx, tool))) as Overlay)
  await recordDelivered(
    ctx.db,
    lease,
    rows.map(({ id }) => id),
  )
}

/**
 * Takes the variables of a tool away that is about to go. Our credentials die with it, so an instance that does not listen holds up nothing;
 * a claimer's own do not.
 */
export async function withdraw(run: Run, tool: ToolRow): Promise<void> {
  // they may have come with the claim
  const given = tool.delivered || (run.row.claimId !== null && isFor(run.row.claimId, tool))
  if (!given || tool.secret === null) return
  const names = Object.keys(envOf(run.ctx, tool))
  try {
    await overlay(run, Object.fromEntries(names.map((name) => [name, null])))
  } catch (err) {
    if (tool.kind === 'user') throw err
    run.ctx.log.info(
      { err, instanceId: tool.instanceId, toolId: tool.toolId },
      'the variables of a tool that goes stay where they are',
    )
  }
}

/** What people see at the provider follows the agent's name. */
export async function rename({ ctx, lease, row }: Run): Promise<void> {
  if (row.wantedName === null || row.wantedName === row.projectName) return
  await ctx.infra.rename(row.place, row.wantedName)
  await recordRenamed(ctx.db, lease, row.wantedName)
}

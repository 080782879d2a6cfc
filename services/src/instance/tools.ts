import {
  ensureTool,
  isLive,
  readTools,
  recordToolActive,
  recordToolDestroyed,
  recordToolDestroying,
  recordToolRetained,
  type ToolRow,
} from '../db/tools.ts'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { GONE_AFTER, WALLET_RETAINED } from '../limits.ts'
import type { ToolPlugin } from '../registry.ts'
import { NotYet } from '../saga.ts'
import { ProviderError } from '../infra/errors.ts'
import { afterUncertainty, type InstanceStep, type Run } from './run.ts'

const placeOf = ({ id }: Pick<ToolRow, 'id'>) => `instance_services/${id}/secret`

/** What an instance's tools give it, opened. */
export async function toolEnv({ db, vault }: Context, instanceId: string): Promise<Record<string, string>> {
  const rows = (await readTools(db, [instanceId])).filter((row) => isLive(row.state) && row.secret !== null)
  const parts = rows.map((row) => EnvVars.parse(JSON.parse(vault.open(row.secret ?? '', placeOf(row)))))
  return Object.assign({}, ...parts) as Record<string, string>
}
const EnvVars = z.record(z.string(), z.string())

const liveRow = async ({ ctx, row }: Run, tool: ToolPlugin): Promise<ToolRow | null> =>
  (await readTools(ctx.db, [row.instanceId])).find((r) => r.toolId === tool.toolId && isLive(r.state)) ?? null

/** Every resource at the provider that carries the instance's marker. */
async function findByMarker({ ctx, row }: Run, tool: ToolPlugin): Promise<string[]> {
  const marker = ctx.marker(row.instanceId)
  const all = (await tool.external?.list()) ?? []
  return all.filter(({ name }) => name === marker).map(({ resourceId }) => resourceId)
}

async function dropAll(tool: ToolPlugin, resourceIds: Iterable<string>): Promise<void> {
  for (const resourceId of resourceIds) await tool.external?.destroy(resourceId)
}

/** One tool of an instance, by its ledger row. */
export function toolStep(tool: ToolPlugin): InstanceStep {
  return {
    name: tool.toolId,

    do: {
      async look({ ctx, lease }, { do: earlier }) {
        const ledger = await ensureTool(ctx.db, lease, tool.toolId)
        if (ledger.state !== 'creating') return 'done'
        // what a lost call makes is of no use, but it must be there to be seen before another one is made
        return afterUncertainty(earlier, ctx.config.railway.projectIntervalMs, () => Promise.resolve(false))
      },
      async act(run, { do: earlier }) {
        const { ctx, lease, row } = run
        const ledger = await ensureTool(ctx.db, lease, tool.toolId)
        // its secret was told in an answer that got lost: of no use to anybody
        if (earlier) await dropAll(tool, await findByMarker(run, tool))
        const { resourceId, config, envVars } = await tool.create({
          instanceId: row.instanceId,
          marker: ctx.marker(row.instanceId),
        })
        const secret = ctx.vault.seal(JSON.stringify(envVars), placeOf(ledger))
        await recordToolActive(ctx.db, lease, { id: ledger.id, resourceId, config, secret })
      },
    },

    undo: {
      async look(run, { do: creation }) {
        const { ctx, lease } = run
        const ledger = await liveRow(run, tool)
        if (!ledger) return 'done'
        if (!tool.external) {
          if (ledger.resourceId) await recordToolRetained(ctx.db, lease, { id: ledger.id, forMs: WALLET_RETAINED })
          else await recordToolDestroyed(ctx.db, lease, ledger.id)
          return 'done'
        }
        if (ledger.resourceId) return 'act'
        if (!creation) {
          await recordToolDestroyed(ctx.db, lease, ledger.id)
          return 'done'
        }
        if ((await findByMarker(run, tool)).length > 0) return 'act'
        if (creation.endedAgoMs < GONE_AFTER)
          throw new NotYet(GONE_AFTER - creation.endedAgoMs, `a resource of ${tool.toolId} may still appear`)
        await recordToolDestroyed(ctx.db, lease, ledger.id)
        return 'done'
      },
      async act(run, { do: creation }) {
        const { ctx, lease } = run
        const ledger = await liveRow(run, tool)
        if (!ledger) return
        await recordToolDestroying(ctx.db, lease, ledger.id)
        const onlyOneMade = ledger.resourceId !== null && creation?.attempts === 1
        const strays = onlyOneMade ? [] : await findByMarker(run, tool)
        await dropAll(tool, new Set([...(ledger.resourceId ? [ledger.resourceId] : []), ...strays]))
        // what never got an id is gone only once a later look finds nothing
        if (!ledger.resourceId)
          throw new ProviderError('not confirmed gone yet', {
            provider: tool.toolId,
            operation: 'destroy',
            kind: 'transient',
            uncertain: true,
          })
        await recordToolDestroyed(ctx.db, lease, ledger.id)
      },
    },
  }
}

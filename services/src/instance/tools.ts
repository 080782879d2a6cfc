import { z } from 'zod'
import type { Context } from '../context.ts'
import {
  isLive,
  readTools,
  recordToolActive,
  recordToolDestroyed,
  recordToolDestroying,
  recordToolRetained,
  type ToolRow,
} from '../db/tools.ts'
import { ProviderError } from '../infra/errors.ts'
import { GONE_AFTER } from '../limits.ts'
import { keyOf } from '../naming.ts'
import type { ResourceKind, ToolPlugin } from '../registry.ts'
import { NotYet } from '../saga.ts'
import { afterUncertainty, type InstanceStep, type Run } from './run.ts'

export const placeOfSecret = ({ id }: Pick<ToolRow, 'id'>): string => `instance_services/${id}/secret`

const EnvVars = z.record(z.string(), z.string())

/** The variables that a resource gives to its instance. */
export const envOf = ({ vault }: Pick<Context, 'vault'>, row: ToolRow): Record<string, string> =>
  row.secret === null ? {} : EnvVars.parse(JSON.parse(vault.open(row.secret, placeOfSecret(row))))

interface Owned {
  instanceId: string
  claimId: string | null
}

/** What an instance's tools give it, opened. */
export async function toolEnv(ctx: Context, { instanceId, claimId }: Owned): Promise<Record<string, string>> {
  const rows = (await readTools(ctx.db, [instanceId])).filter((row) => inUse(row) && isFor(claimId, row))
  return Object.assign({}, ...rows.map((row) => envOf(ctx, row))) as Record<string, string>
}

/** What a claim's tools give it; those of every instance it had from its first boot on. */
export async function claimEnv(ctx: Context, { instanceId, claimId }: Owned): Promise<Record<string, string>> {
  const tools = (await readTools(ctx.db, [instanceId])).filter((row) => inUse(row) && isFor(claimId, row))
  const rows = tools.filter((row) => !isAlways(ctx, row))
  return Object.assign({}, ...rows.map((row) => envOf(ctx, row))) as Record<string, string>
}

/** The tools that every instance has from its first boot on. */
export const always = ({ tools }: Pick<Context, 'tools'>): ToolPlugin[] =>
  tools.getAll().filter((tool) => tool.available && tool.provisioning.includes('always'))

export const isAlways = ({ tools }: Pick<Context, 'tools'>, { toolId }: Pick<ToolRow, 'toolId'>): boolean =>
  tools.getByToolId(toolId)?.provisioning.includes('always') ?? false

export const inUse = ({ state }: ToolRow): boolean => state === 'active' || state === 'user_provided'

/** Whether a claim may have it: what another one brought may stand there late, when that one was given up long ago. */
export const isFor = (claimId: string | null, tool: Pick<ToolRow, 'claimId'>): boolean =>
  tool.claimId === null || tool.claimId === claimId

/** How a resource's steps are called in the log. */
function stepName({ toolId, kind, position, generation }: Pick<ToolRow, 'toolId' | 'kind' | 'position' | 'generation'>): string {
  const name = position === 0 ? toolId : `${toolId}.${kind}`
  return generation === 1 ? name : `${name}@${generation}`
}

/** The steps of one resource, by its ledger row. */
export function resourceStep(plugin: ToolPlugin | null, ledger: ToolRow): InstanceStep {
  const name = stepName(ledger)
  if (ledger.kind === 'user') return { name, do: nothingToMake, undo: forgetting(ledger) }
  const resource = plugin?.resources.find(({ kind }) => kind === ledger.kind)
  if (!resource) return unknownResource(ledger)
  return { name, do: making(resource, ledger), undo: removing(resource, ledger) }
}

/** Another version's tool cannot be made or undone here, which keeps nothing else alive. */
function unknownResource(ledger: ToolRow): InstanceStep {
  const refuse = () =>
    Promise.reject(new Error(`this version of services does not know the tool "${ledger.toolId}" (${ledger.kind})`))
  return { name: stepName(ledger), do: { look: refuse, act: refuse }, undo: { look: refuse, act: refuse } }
}

const nothingToMake: InstanceStep['do'] = { look: () => Promise.resolve('done'), act: () => Promise.resolve() }

/** What the claimer brought is not ours to destroy. */
const forgetting = ({ id }: ToolRow): InstanceStep['undo'] => ({
  async look({ ctx, lease }) {
    await recordToolDestroyed(ctx.db, lease, id)
    return 'done'
  },
  act: () => Promise.resolve(),
})

/** The row as it is now, while it still counts. */
const present = async ({ ctx, row }: Run, { id }: ToolRow): Promise<ToolRow | null> =>
  (await readTools(ctx.db, [row.instanceId])).find((tool) => tool.id === id && isLive(tool.state)) ?? null

function making(resource: ResourceKind, ledger: ToolRow): InstanceStep['do'] {
  return {
    async look(run, { do: earlier }) {
      if ((await present(run, ledger))?.state !== 'creating') return 'done'
      if (resource.repeat === 'same') return 'act'
      // what a lost call made must be there to be seen before another one is made
      return afterUncertainty(earlier, run.ctx.config.listLagMs, () => Promise.resolve(false))
    },
    async act(run, { do: earlier }) {
      const { ctx, lease, row } = run
      const key = keyOf(run.ctx.marker(run.row.instanceId), ledger.generation)
      // its secret was told in an answer that got lost: of no use to anybody
      if (earlier && resource.repeat === 'replace') await destroyAll(resource, await resource.find(key))
      const siblings = (await readTools(ctx.db, [row.instanceId])).filter(
        ({ toolId, generation, resourceId }) =>
          toolId === ledger.toolId && generation === ledger.generation && resourceId !== null,
      )
      const made = Object.fromEntries(siblings.map(({ kind, resourceId }) => [kind, resourceId ?? '']))
      const { resourceId, config, envVars } = await resource.create({ instanceId: row.instanceId, key, made })
      const secret = ctx.vault.seal(JSON.stringify(envVars), placeOfSecret(ledger))
      await recordToolActive(ctx.db, lease, { id: ledger.id, resourceId, config, secret })
    },
  }
}

function removing(resource: ResourceKind, ledger: ToolRow): InstanceStep['undo'] {
  /** What stays of it is kept; nothing else does. */
  const over = async ({ ctx, lease }: Run, resourceId: string | null) => {
    const { retained } = resource
    if (!retained || resourceId === null) return recordToolDestroyed(ctx.db, lease, ledger.id)
    const secretForMs = retained === 'resource' ? null : retained.secretForMs
    await recordToolRetained(ctx.db, lease, { id: ledger.id, resourceId, secretForMs })
  }
  return {
    async look(run, { do: creation }) {
      const row = await present(run, ledger)
      if (!row) return 'done'
      if (row.resourceId !== null) return 'act'
      if (creation && (await resource.find(keyOf(run.ctx.marker(run.row.instanceId), ledger.generation))).length > 0) return 'act'
      // a first call that was refused for certain made nothing
      const doubtful = creation !== null && (creation.uncertain || creation.attempts > 1)
      if (doubtful && creation.endedAgoMs < GONE_AFTER)
        throw new NotYet(GONE_AFTER - creation.endedAgoMs, `a resource of ${ledger.toolId} may still appear`)
      await over(run, null)
      return 'done'
    },
    async act(run, { do: creation }) {
      const { ctx, lease } = run
      const row = await present(run, ledger)
      if (!row) return
      await recordToolDestroying(ctx.db, lease, ledger.id)
      const onlyOneMade = row.resourceId !== null && (creation?.attempts === 1 || resource.repeat === 'same')
      const found = onlyOneMade ? [] : await resource.find(keyOf(run.ctx.marker(run.row.instanceId), ledger.generation))
      const doomed = [...new Set([...(row.resourceId === null ? [] : [row.resourceId]), ...found])]
      await destroyAll(resource, doomed)
      const resourceId = row.resourceId ?? (resource.retained === 'resource' ? (doomed[0] ?? null) : null)
      // what never got an id is gone only once a later look finds nothing
      if (resourceId === null) throw stillThere(ledger.toolId)
      await over(run, resourceId)
    },
  }
}

async function destroyAll(resource: ResourceKind, resourceIds: string[]): Promise<void> {
  for (const resourceId of resourceIds) await resource.destroy(resourceId)
}

const stillThere = (provider: string) =>
  new ProviderError('not confirmed gone yet', { provider, operation: 'destroy', kind: 'transient', uncertain: true })

import { recordProject } from '../db/creation.ts'
import { recordPhase } from '../db/runner.ts'
import { freeSlot, takeSlot } from '../db/slots.ts'
import { ProviderError } from '../infra/errors.ts'
import type { FoundProject, ProjectRef } from '../infra/provider.ts'
import { GONE_AFTER, RAILWAY_MUTATION } from '../limits.ts'
import { NotYet } from '../saga.ts'
import { afterUncertainty, type InstanceStep, type Run } from './run.ts'

/** Railway lets a workspace create one project per interval: all replicas queue for this slot. */
const slotOf = ({ ctx, row }: Run) => ({
  name: `railway:project:${ctx.config.railway.workspaceId}`,
  holder: row.instanceId,
})

const findByMarker = ({ ctx, row }: Run): Promise<FoundProject[]> =>
  ctx.infra.findProjects({ marker: ctx.marker(row.instanceId), since: row.createdAt })

/** The project with its environment: everything else is made inside it and goes with it. */
export const project: InstanceStep = {
  name: 'project',

  do: {
    async look(run, { do: earlier }) {
      const { ctx, lease, row } = run
      if (row.projectId) return 'done'
      const interval = ctx.config.railway.projectIntervalMs
      const verdict = await afterUncertainty(earlier, interval, async () => {
        const found = await findByMarker(run)
        const oldest = found.find(isWhole)
        for (const other of found) if (other !== oldest) await ctx.infra.deleteProject(other.projectId)
        if (oldest) await recordProject(ctx.db, lease, oldest)
        return oldest !== undefined
      })
      if (verdict === 'done') return 'done'
      // nobody else may create while our call runs, even if we die in it
      const waitMs = await takeSlot(ctx.db, { ...slotOf(run), ms: RAILWAY_MUTATION + interval })
      // a slot that is held for a running call is freed long before the hold ends: look again after an interval at the latest
      if (waitMs !== null) throw new NotYet(Math.min(waitMs, interval), 'waiting for the next project that Railway allows')
      await recordPhase(ctx.db, lease, { from: ['queued'], to: 'creating' })
      return 'act'
    },

    async act(run) {
      const { ctx, lease, row } = run
      try {
        const created = await ctx.infra.createProject({
          name: row.projectName,
          marker: ctx.marker(row.instanceId),
          environment: ctx.config.environment,
        })
        await recordProject(ctx.db, lease, created)
      } finally {
        await freeSlot(ctx.db, { ...slotOf(run), ms: ctx.config.railway.projectIntervalMs })
      }
    },
  },

  undo: {
    async look(run, { do: creation }) {
      const { ctx, row } = run
      if (!creation && !row.projectId) return 'done'
      // reads lag behind creations: "not found" proves nothing about a project this young
      const youngMs = ctx.config.railway.projectIntervalMs - (creation?.endedAgoMs ?? Infinity)
      if (youngMs > 0) throw new NotYet(youngMs, 'a project that was just created may exist without being seen')
      if (row.projectId && !(await ctx.infra.projectGone(row.projectId))) return 'act'
      const onlyOneMade = row.projectId !== null && creation?.attempts === 1
      if (onlyOneMade) return 'done'
      if ((await findByMarker(run)).length > 0) return 'act'
      const agoMs = creation?.endedAgoMs ?? Infinity
      if (agoMs < GONE_AFTER) throw new NotYet(GONE_AFTER - agoMs, 'a project whose creation was started may still appear')
      return 'done'
    },

    async act(run, { do: creation }) {
      const { ctx, row } = run
      const onlyOneMade = row.projectId !== null && creation?.attempts === 1
      const strays = onlyOneMade ? [] : (await findByMarker(run)).map(({ projectId }) => projectId)
      const doomed = new Set([...(row.projectId ? [row.projectId] : []), ...strays])
      for (const projectId of doomed) await ctx.infra.deleteProject(projectId)
      for (const projectId of doomed) if (!(await ctx.infra.projectGone(projectId))) throw stillThere()
      // what never got an id is gone only once a later look finds nothing
      if (!row.projectId) throw stillThere()
    },
  },
}

/** Half a project cannot become an instance; it is ours all the same. */
const isWhole = (found: FoundProject): found is ProjectRef => found.environmentId !== null

const stillThere = () =>
  new ProviderError('not confirmed gone yet', {
    provider: 'railway',
    operation: 'projectDelete',
    kind: 'transient',
    uncertain: true,
  })

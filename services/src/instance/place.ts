import { recordPlace } from '../db/creation.ts'
import { recordPhase } from '../db/runner.ts'
import { freeSlot, takeSlot } from '../db/slots.ts'
import { ProviderError } from '../infra/errors.ts'
import type { Place, PlaceRequest, PlaceStep } from '../infra/provider.ts'
import { GONE_AFTER } from '../limits.ts'
import { NotYet } from '../saga.ts'
import { INSTANCE_PORT, MOUNT_PATH } from './desired.ts'
import { afterUncertainty, type InstanceStep, type Run } from './run.ts'

/** The steps that make an instance's place, as its provider wants them made; the first can undo them all. */
export function placeSteps({ ensure: [root, ...inside] }: Run['ctx']['infra']): [InstanceStep, ...InstanceStep[]] {
  return [
    { name: root.name, do: making(root, (run) => findRoot(run, root)), undo: removing(root) },
    ...inside.map((step): InstanceStep => ({
      name: step.name,
      do: making(step, (run) => step.find(requestOf(run))),
      undo: null,
    })),
  ]
}

const requestOf = ({ ctx, row }: Run): PlaceRequest => ({
  instanceId: row.instanceId,
  name: row.projectName,
  marker: ctx.marker(row.instanceId),
  since: row.createdAt,
  port: INSTANCE_PORT,
  mountPath: MOUNT_PATH,
  place: row.place,
})

const has = (place: Place, step: PlaceStep): boolean => step.yields.every((id) => place[id] !== undefined)

const findByMarker = ({ ctx, row }: Run): Promise<Place[]> =>
  ctx.infra.find({ marker: ctx.marker(row.instanceId), since: row.createdAt })

/** Of several with our marker the oldest whole one is ours; half a place cannot become an instance. */
async function findRoot(run: Run, root: PlaceStep): Promise<Place | null> {
  const found = await findByMarker(run)
  const oldest = found.find((place) => has(place, root)) ?? null
  for (const other of found) if (other !== oldest) await run.ctx.infra.drop(other)
  return oldest
}

async function keep({ ctx, lease, row }: Run, place: Place): Promise<void> {
  const { domain } = { ...place, ...row.place }
  await recordPlace(ctx.db, lease, {
    place,
    url: domain === undefined ? null : ctx.config.instance.urlTemplate.replace('{domain}', domain),
  })
}

function making(step: PlaceStep, find: (run: Run) => Promise<Place | null>): InstanceStep['do'] {
  /** Where providers let one be made at a time, all replicas queue for it. */
  const slotOf = ({ row }: Run, slot: string) => ({ name: slot, holder: row.instanceId })
  const { oneAtATime } = step
  return {
    async look(run, { do: earlier }) {
      const { ctx, lease, row } = run
      if (has(row.place, step)) return 'done'
      if (step.repeat === 'look') {
        const verdict = await afterUncertainty(earlier, ctx.config.listLagMs, async () => {
          const place = await find(run)
          if (place) await keep(run, place)
          return place !== null
        })
        if (verdict === 'done') return 'done'
      }
      if (oneAtATime) {
        // nobody else may create while our call runs, even if we die in it
        const { slot, everyMs, callMs } = oneAtATime
        const waitMs = await takeSlot(ctx.db, { ...slotOf(run, slot), ms: callMs + everyMs })
        // a slot that is held for a running call is freed long before the hold ends: look again after an interval at the latest
        if (waitMs !== null)
          throw new NotYet(Math.min(waitMs, everyMs), `waiting for the next ${step.name} that the provider allows`)
      }
      await recordPhase(ctx.db, lease, { from: ['queued'], to: 'creating' })
      return 'act'
    },
    async act(run) {
      try {
        await keep(run, await step.create(requestOf(run)))
      } finally {
        if (oneAtATime) await freeSlot(run.ctx.db, { ...slotOf(run, oneAtATime.slot), ms: oneAtATime.everyMs })
      }
    },
  }
}

function removing(root: PlaceStep): InstanceStep['undo'] {
  /** All that may exist is the one the ledger knows. */
  const onlyOneMade = ({ row }: Run, attempts: number | undefined) => has(row.place, root) && attempts === 1
  return {
    async look(run, { do: creation }) {
      const { ctx, row } = run
      if (!creation && !has(row.place, root)) return 'done'
      // reads lag behind creations: "not found" proves nothing about a place this young
      const youngMs = ctx.config.listLagMs - (creation?.endedAgoMs ?? Infinity)
      if (youngMs > 0) throw new NotYet(youngMs, `a ${root.name} that was just created may exist without being seen`)
      if (has(row.place, root) && !(await ctx.infra.gone(row.place))) return 'act'
      if (onlyOneMade(run, creation?.attempts)) return 'done'
      if ((await findByMarker(run)).length > 0) return 'act'
      const agoMs = creation?.endedAgoMs ?? Infinity
      if (agoMs < GONE_AFTER) throw new NotYet(GONE_AFTER - agoMs, `a ${root.name} whose creation was started may still appear`)
      return 'done'
    },
    async act(run, { do: creation }) {
      const { ctx, row } = run
      const known = has(row.place, root) ? [row.place] : []
      const strays = onlyOneMade(run, creation?.attempts) ? [] : await findByMarker(run)
      const doomed = [...known, ...strays.filter((stray) => !known.some((place) => samePlace(place, stray, root)))]
      for (const place of doomed) await ctx.infra.drop(place)
      for (const place of doomed) if (!(await ctx.infra.gone(place))) throw stillThere(ctx.infra.name)
      // what never got an id is gone only once a later look finds nothing
      if (known.length === 0) throw stillThere(ctx.infra.name)
    },
  }
}

const samePlace = (a: Place, b: Place, { yields: [id = ''] }: PlaceStep): boolean => a[id] === b[id]

const stillThere = (provider: string) =>
  new ProviderError('not confirmed gone yet', { provider, operation: 'drop', kind: 'transient', uncertain: true })

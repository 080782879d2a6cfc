import type { Context } from '../context.ts'
import { type LedgerQuery, type PlaceLedgerRow, readPlaceLedger, readToolLedger, type ToolLedgerRow } from '../db/reconcile.ts'
import type { Place } from '../infra/provider.ts'
import { keyOf, ownerOf } from '../naming.ts'
import type { ResourceKind, ToolPlugin } from '../registry.ts'
import { describe } from '../saga.ts'
import type { Entry, Sighting } from './judge.ts'

/** One provider's list of one kind of thing, and the ledger it is held against. */
export interface Source {
  /** As it is reported, e.g. `railway` or `email/inbox`. */
  provider: string
  secondIsLeftover: boolean
  /** Everything that carries a key of ours; what is another deployment's does not count. */
  list(): Promise<Listed[]>
  ledger(query: LedgerQuery): Promise<Entry[]>
  /** @throws when it is not confirmed gone */
  destroy(listed: Listed): Promise<void>
  /** Looks at what the ledger names but no list shows. */
  isGone(entry: Entry): Promise<boolean>
}

export interface Listed extends Omit<Sighting, 'firstSeenAt'> {
  /** Of an instance: all that the list tells about where it is. */
  place: { ids: Place; name: string; createdAt: Date } | null
}

/** A source with what it listed; null, and why, when it could not be listed, of which nothing follows. */
export type Listing = { source: Source } & ({ listed: Listed[]; error: null } | { listed: null; error: string })

/** Everything that can be listed, and that something could be done about; a provider that is not configured shows us nothing. */
export function sourcesOf(ctx: Context): [places: Source, ...tools: Source[]] {
  const kinds = ctx.tools
    .getAll()
    .filter(({ available }) => available)
    .flatMap((plugin) => plugin.resources.map((kind) => ({ plugin, kind })))
  return [
    placesOf(ctx),
    ...kinds.flatMap(({ plugin, kind }) =>
      kind.list && kind.retained !== 'resource' ? [resourcesOf(ctx, plugin, kind, kind.list)] : [],
    ),
  ]
}

/** How a kind of resource is reported. */
export const nameOf = (toolId: string, kind: string): string => `${toolId}/${kind}`

/** What stands for a whole place: the first id of what makes it. */
export const rootOf = ({ infra }: Pick<Context, 'infra'>, place: Place): string | null => {
  const [root] = infra.ensure[0].yields
  return (root === undefined ? undefined : place[root]) ?? null
}

function placesOf(ctx: Context): Source {
  return {
    provider: ctx.infra.name,
    secondIsLeftover: false,
    async list() {
      const places = await ctx.infra.list()
      return places.flatMap(({ place, marker, name, createdAt }) => {
        const [owner, resourceId] = [ownerOf(ctx.marker, marker), rootOf(ctx, place)]
        return owner && resourceId !== null ? [{ ...owner, resourceId, createdAt, place: { ids: place, name, createdAt } }] : []
      })
    },
    ledger: async (query) => (await readPlaceLedger(ctx.db, query)).map((row) => placeEntry(row, rootOf(ctx, row.place))),
    async destroy({ place }) {
      if (!place) return
      await ctx.infra.drop(place.ids)
      // from here on it may be gone, whatever becomes of asking
      const gone = await ctx.infra.gone(place.ids).catch((cause: unknown) => {
        throw new Error(`it could not be asked whether it is gone: ${describe(cause)}`, { cause })
      })
      if (!gone) throw new Error('it is not confirmed gone yet')
    },
    async isGone({ instanceId }) {
      const [row] = await readPlaceLedger(ctx.db, { instanceIds: [instanceId], andAllLive: false, holder: '' })
      return row !== undefined && (await ctx.infra.gone(row.place))
    },
  }
}

/** @param root the place that the row names */
export function placeEntry({ instanceId, wish, phase, neverMade, busy, ageMs }: PlaceLedgerRow, root: string | null): Entry {
  const entry = (standing: Entry['standing']): Entry => {
    const instanceGone = standing === 'gone'
    return { instanceId, generation: 1, standing, resourceId: root, instanceGone, busy, ageMs }
  }
  if (phase === 'destroyed') return entry(neverMade ? 'never' : 'gone')
  if (wish === 'absent' || phase === 'destroying') return entry('going')
  return entry(root === null ? 'coming' : 'live')
}

function resourcesOf(ctx: Context, { toolId }: ToolPlugin, kind: ResourceKind, list: NonNullable<ResourceKind['list']>): Source {
  return {
    provider: nameOf(toolId, kind.kind),
    secondIsLeftover: true,
    async list() {
      return (await list()).flatMap(({ resourceId, key, createdAt }) => {
        const owner = ownerOf(ctx.marker, key)
        return owner ? [{ ...owner, resourceId, createdAt, place: null }] : []
      })
    },
    ledger: async (query) => (await readToolLedger(ctx.db, { ...query, toolId, kind: kind.kind })).map(toolEntry),
    destroy: ({ resourceId }) => kind.destroy(resourceId),
    async isGone({ instanceId, generation, resourceId }) {
      const found = await kind.find(keyOf(ctx.marker(instanceId), generation))
      return resourceId !== null && !found.includes(resourceId)
    },
  }
}

export const toolEntry = ({ state, ...row }: ToolLedgerRow): Entry => ({ ...row, standing: standingOf(state, row.resourceId) })

function standingOf(state: ToolLedgerRow['state'], resourceId: string | null): Entry['standing'] {
  if (state === 'destroyed') return 'gone'
  if (state === 'retained') return 'kept'
  if (state === 'destroying') return 'going'
  return resourceId === null ? 'coming' : 'live'
}

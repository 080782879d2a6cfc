import type {
  Activity,
  Claim,
  Counts,
  FeedMessage,
  Instance,
  InstanceEvent,
  Operation,
  PoolStatus,
  Status,
} from '@convos/pool/contract'

/** What was told cannot be put in place: it has to be read again. */
export const STALE = Symbol('stale')

/**
 * How news goes into what a query holds. Pure. The data itself when nothing of it changed. News tell of things as they stand, so
 * that only the last of each counts, and hearing it twice changes nothing.
 */
export type Merge<T> = (data: T, news: readonly FeedMessage[]) => T | typeof STALE

type Data<E extends FeedMessage['event']> = Extract<FeedMessage, { event: E }>['data']

const told = <E extends FeedMessage['event']>(news: readonly FeedMessage[], event: E): Data<E>[] =>
  news.filter((message) => message.event === event).map((message) => message.data as Data<E>)

type Told = Map<string, Instance | null>

/** The last that was told of each instance; null: it is gone. */
export function instancesIn(news: readonly FeedMessage[]): Told {
  return new Map(told(news, 'instance').map((instance) => [instance.id, 'deleted' in instance ? null : instance]))
}

/** The list with what was told put in place; `added` are those it does not have. */
function patch<T extends { id: string }>(list: readonly T[], news: ReadonlyMap<string, T | null>) {
  const known = new Set(list.map(({ id }) => id))
  const changed = list.some(({ id }) => news.has(id))
  const patched = changed ? list.flatMap((one) => (news.has(one.id) ? (news.get(one.id) ?? []) : one)) : list
  return { patched, added: [...news.values()].filter((one): one is T => one !== null && !known.has(one.id)) }
}

export const intoCounts: Merge<Counts> = (counts, news) => told(news, 'counts').at(-1) ?? counts

/** Events after which another target may hold, or something else keep the stock below it. */
const SETTING_TYPES = ['settings_changed', 'breaker_opened', 'breaker_closed', 'image_trusted', 'image_wanted']

export const intoStatus: Merge<PoolStatus> = (status, news) => {
  if (told(news, 'activity').some(({ type }) => SETTING_TYPES.includes(type))) return STALE
  const counts = intoCounts(status.counts, news) as Counts
  const now = instancesIn(news)
  const { patched, added } = patch(status.instances, now)
  if (counts === status.counts && patched === status.instances && added.length === 0) return status
  // one that is cut off shows the first of many: where another belongs is not known
  if (status.truncated && added.length > 0) return STALE
  const byStatus = recount(status, now, added)
  return { ...status, counts, byStatus, instances: added.length === 0 ? [...patched] : [...patched, ...added] }
}

/** The figures of a status, moved by those whose status changed, came or went. */
function recount({ byStatus, instances }: PoolStatus, now: Told, added: readonly Instance[]): PoolStatus['byStatus'] {
  const moved = { ...byStatus }
  const move = (status: Status, by: number) => (moved[status] = Math.max(0, (moved[status] ?? 0) + by))
  for (const { id, status } of instances) {
    const next = now.get(id)
    if (next === undefined || next?.status === status) continue
    move(status, -1)
    if (next) move(next.status, 1)
  }
  for (const { status } of added) move(status, 1)
  return moved
}

/** Into a page of instances: known ones in place; whether and where another belongs, only pool knows. */
export function intoInstances<T extends { instances: Instance[] }>(page: T, news: readonly FeedMessage[]): T | typeof STALE {
  const { patched, added } = patch(page.instances, instancesIn(news))
  if (added.length > 0) return STALE
  return patched === page.instances ? page : { ...page, instances: [...patched] }
}

/** Into one instance with its events; one that is gone stays on screen as it was last, being deleted. */
export function intoInstance<T extends Instance & { events: InstanceEvent[] }>(
  instance: T,
  news: readonly FeedMessage[],
): T | typeof STALE {
  const now = instancesIn(news).get(instance.id)
  const events = told(news, 'activity').filter(({ instanceId }) => instanceId === instance.id)
  const unseen = events.filter(({ id }) => !instance.events.some((known) => known.id === id))
  if (now === undefined && unseen.length === 0) return instance
  if (now === null) return STALE
  return { ...instance, ...now, events: unseen.length === 0 ? instance.events : [...instance.events, ...unseen] }
}

export const intoOperation: Merge<Operation> = (operation, news) =>
  told(news, 'operation').findLast(({ id }) => id === operation.id) ?? operation

/** Into the list of operations, the latest first. */
export const intoOperations: Merge<{ operations: Operation[] }> = (list, news) => {
  const { patched, added } = patch(list.operations, new Map(told(news, 'operation').map((one) => [one.id, one])))
  if (patched === list.operations && added.length === 0) return list
  const all = [...added, ...patched].toSorted((a, b) => b.startedAt.localeCompare(a.startedAt) || a.id.localeCompare(b.id))
  return { operations: all }
}

const HEARD = 50

/** The claims that were told of lately, the latest first. */
export const intoHeard: Merge<readonly Claim[]> = (heard, news) => {
  const now = new Map(told(news, 'claim').map((claim) => [claim.claimId, claim]))
  if (now.size === 0) return heard
  return [...[...now.values()].toReversed(), ...heard.filter(({ claimId }) => !now.has(claimId))].slice(0, HEARD)
}

/** Into a page of the log, oldest first, of those events that pass its filter. */
export const intoActivity =
  (passes: (event: InstanceEvent) => boolean): Merge<Activity> =>
  (page, news) => {
    const unseen = told(news, 'activity').filter((event) => passes(event) && !page.events.some(({ id }) => id === event.id))
    return unseen.length === 0 ? page : { ...page, events: [...page.events, ...unseen] }
  }

import { can, type Instance, type Operation, type Status } from '@convos/pool/contract'
import { dismiss, drainThese, kill, recycle, redeploy } from '../api/instances.ts'
import { plural } from '../ui/format.ts'

/** What an operator has done to instances as long work. */
export const ACTS = ['drain', 'redeploy', 'restart', 'recycle', 'dismiss', 'kill'] as const
export type Act = (typeof ACTS)[number]

interface ActEntry {
  verb: string
  /** Its name in the capability table. */
  as: 'drain' | 'redeploy' | 'recycle' | 'dismiss' | 'kill'
  danger: boolean
  run: (id: string) => Promise<Operation>
}

export const ACT: Record<Act, ActEntry> = {
  drain: { verb: 'Drain', as: 'drain', danger: true, run: (id) => drainThese([id]) },
  redeploy: { verb: 'Redeploy', as: 'redeploy', danger: false, run: (id) => redeploy(id, false) },
  restart: { verb: 'Force redeploy', as: 'redeploy', danger: true, run: (id) => redeploy(id, true) },
  recycle: { verb: 'Recycle', as: 'recycle', danger: true, run: recycle },
  dismiss: { verb: 'Dismiss', as: 'dismiss', danger: true, run: dismiss },
  kill: { verb: 'Kill', as: 'kill', danger: true, run: kill },
}

/** Why it cannot be done; undefined: it can. An action that pool does not list is one that it does not offer. */
export function unableTo(act: Act, { actions }: Instance): string | undefined {
  const may = actions[ACT[act].as]
  return may === true ? undefined : (may ?? 'this pool does not offer it')
}

/** Why its protection, or its end, cannot be changed. */
export const unableToChange = ({ status }: Instance): string | undefined => {
  const may = can('kill', { status })
  return may === true ? undefined : may
}
export const unableToExpire = ({ status }: Instance): string | undefined =>
  ['pending', 'claimed', 'crashed'].includes(status) ? undefined : 'only the end of an agent that somebody has claimed can be set'

/** What an act does to this instance, said before it is done. */
function consequenceOf(act: Act, instance: Instance): string {
  return act === 'kill' || act === 'dismiss' ? ending(instance) : CONSEQUENCE[act]
}

/** What an act does to each of them, and which statuses have it done to them. */
export function consequencesOf(act: Act, instances: readonly Instance[]): Map<string, Set<Status>> {
  const all = new Map<string, Set<Status>>()
  for (const instance of instances) {
    const what = consequenceOf(act, instance)
    all.set(what, (all.get(what) ?? new Set()).add(instance.status))
  }
  return all
}

const CONSEQUENCE: Record<Exclude<Act, 'kill' | 'dismiss'>, string> = {
  drain:
    'Nobody’s data is in it. It is deleted, and the pool makes another one when it needs one. Should somebody claim it first, it stays.',
  recycle:
    'Its agent and all that it remembers are wiped, and the instance returns to its clean checkpoint. This cannot be undone.',
  redeploy: 'It is moved to the wanted image. Agent, conversation and data stay; it does not answer while it restarts.',
  restart:
    'It is started again even if it is on the wanted image already. Agent, conversation and data stay; it does not answer meanwhile.',
}

function ending({ status }: Instance): string {
  switch (status) {
    case 'claimed':
    case 'pending':
    case 'claiming':
      return 'Someone is using it. The agent, its memory and its tools are deleted, and it leaves its conversation. This cannot be undone.'
    case 'crashed':
      return 'It was in use before it crashed. Its data, kept until now, is deleted with it. This cannot be undone.'
    default:
      return 'Nobody’s data is in it. It is deleted with its tools, and the pool makes another one when it needs one.'
  }
}

export interface Plan {
  act: Act
  /** To whom it will be done. */
  ids: string[]
  /** The rest, by why not. */
  skipped: { why: string; count: number }[]
  /** "Drain 3 ready, 2 claimed will be skipped". */
  sentence: string
}

/** What an act on all these would do: those that allow it, counted by status, and those that do not. */
export function planFor(act: Act, chosen: readonly Instance[]): Plan {
  const able = chosen.filter((instance) => unableTo(act, instance) === undefined)
  const unable = chosen.filter((instance) => unableTo(act, instance) !== undefined)
  const reasons = Map.groupBy(unable, (instance) => unableTo(act, instance) ?? '')
  const done = able.length === 0 ? `Nothing to ${ACT[act].verb.toLowerCase()}` : `${ACT[act].verb} ${byStatus(able)}`
  return {
    act,
    ids: able.map(({ id }) => id),
    skipped: [...reasons].map(([why, those]) => ({ why, count: those.length })),
    sentence: unable.length === 0 ? done : `${done}, ${byStatus(unable)} will be skipped`,
  }
}

/** "3 ready and 1 starting"; protected ones are told apart, for that is why they are skipped. */
function byStatus(instances: readonly Instance[]): string {
  const kinds = Map.groupBy(instances, ({ status, protected: kept }) => (kept ? `protected ${status}` : status))
  const parts = [...kinds].map(([kind, those]) => `${those.length} ${kind}`)
  const last = parts.pop() ?? ''
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`
}

/** "3 instances", for buttons and questions. */
export const those = (ids: readonly string[]): string => plural(ids.length, 'instance')

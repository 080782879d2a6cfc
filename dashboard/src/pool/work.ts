import type { Instance, Operation } from '@convos/pool/contract'
import { byAge, byText } from './rack.ts'

const FOLLOWED = ['replenish', 'drain', 'rollout', 'reconcile', 'redeploy', 'sync']

/** The work to show, whoever began it: what runs, and what has ended and was not put away. */
export const shownWork = (operations: readonly Operation[], putAway: ReadonlySet<string>): Operation[] =>
  operations.filter(({ id, kind, state }) => FOLLOWED.includes(kind) && (state === 'running' || !putAway.has(id)))

/** The ids of what has ended. */
export const endedOf = (operations: readonly Operation[]): string[] =>
  operations.filter(({ state }) => state !== 'running').map(({ id }) => id)

/** True, or why there is nothing to stop. */
export function canStop({ kind, items }: Operation): true | string {
  if (kind === 'replenish') return 'its instances are being made already'
  if (items.length > 0 && !items.some(({ state, step }) => state === 'running' && step === 'waiting'))
    return 'all of it is under way already'
  return true
}

/** Those that a drain takes: of the ready ones that are not protected, the oldest. */
export const drainable = (instances: readonly Instance[]): Instance[] =>
  instances
    .filter(({ status, actions }) => status === 'ready' && actions['drain'] === true)
    .toSorted((a, b) => byText(a.createdAt, b.createdAt) || byAge(a, b))

export const rolloutUnderWay = (operations: readonly Operation[]): Operation | undefined =>
  operations.find(({ kind, state }) => kind === 'rollout' && state === 'running')

/** What a roll-out has still to replace. */
export const leftOf = (rollout: Operation | undefined): string[] =>
  rollout?.items.flatMap(({ instanceId, state }) => (instanceId !== null && state === 'running' ? [instanceId] : [])) ?? []

/** The images that ready instances run and that are not the wanted one: what a roll-out leads away from. */
export const offImage = (instances: readonly Instance[], wanted: string | null): Instance[] =>
  wanted === null ? [] : instances.filter(({ status, image }) => status === 'ready' && image !== wanted)

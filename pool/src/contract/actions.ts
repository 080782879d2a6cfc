import { type Status, STATUSES } from './instance.ts'

/** What can be asked of an instance. The API's 409s and the dashboard's disabled buttons both come from this table. */
export const ACTIONS = ['claim', 'drain', 'kill', 'dismiss', 'recycle', 'redeploy', 'clone', 'sync'] as const
export type Action = (typeof ACTIONS)[number]

const ALLOWED: Record<Action, readonly Status[]> = {
  claim: ['ready'],
  drain: ['ready', 'starting'],
  kill: STATUSES.filter((status) => status !== 'deleting'),
  dismiss: ['crashed'],
  recycle: ['claimed', 'crashed'],
  redeploy: ['claimed', 'crashed'],
  clone: ['claimed', 'crashed'],
  sync: ['claimed'],
}

const REFUSAL: Record<Action, string> = {
  claim: 'only ready instances can be claimed',
  drain: 'only ready or starting instances can be drained',
  kill: 'it is already being deleted',
  dismiss: 'only crashed instances can be dismissed',
  recycle: 'only claimed or crashed instances can be recycled',
  redeploy: 'only claimed or crashed instances can be redeployed',
  clone: 'only claimed or crashed instances can be cloned',
  sync: 'only claimed instances can be synced with their template',
}

/** Actions that end or reset an agent: not on a protected one. */
const ENDING: readonly Action[] = ['kill', 'drain', 'dismiss', 'recycle']

/** True, or the reason why not. */
export function can(action: Action, instance: { status: Status; protected?: boolean }): true | string {
  if (!ALLOWED[action].includes(instance.status)) return REFUSAL[action]
  if (instance.protected && ENDING.includes(action)) return 'it is protected'
  return true
}

export const actionsOf = (instance: { status: Status; protected?: boolean }): Record<Action, true | string> =>
  Object.fromEntries(ACTIONS.map((action) => [action, can(action, instance)])) as Record<Action, true | string>

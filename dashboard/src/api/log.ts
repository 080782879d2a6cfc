import { Activity } from '@convos/pool/contract'
import { call, withQuery } from './client.ts'

/** Which events of the log; what is not given lets everything through. */
export interface LogFilter {
  type?: readonly string[] | undefined
  actor?: string | undefined
  instanceId?: string | undefined
  claimId?: string | undefined
  requestId?: string | undefined
  /** From then on, as the API writes times. */
  since?: string | undefined
  /** Before then. */
  until?: string | undefined
}

interface LogPlace {
  after?: string | undefined
  before?: string | undefined
  limit: number
}

/** A page of the log, oldest first: the latest that passes, or what is after or before a cursor. */
export const readLog = (filter: LogFilter, place: LogPlace, signal: AbortSignal) =>
  call(withQuery('/api/pool/activity', { ...filter, ...place }), { answer: Activity, signal })

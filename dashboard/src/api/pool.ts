import { Counts, Operation, PoolStatus } from '@convos/pool/contract'
import { call } from './client.ts'

export const readStatus = (signal: AbortSignal) => call('/api/pool/status', { answer: PoolStatus, signal })
export const readCounts = (signal: AbortSignal) => call('/api/pool/counts', { answer: Counts, signal })

export const replenish = (count: number) => call('/api/pool/replenish', { answer: Operation, method: 'POST', body: { count } })
/** Drains the given number of ready instances. */
export const drain = (count: number) => call('/api/pool/drain', { answer: Operation, method: 'POST', body: { count } })
export const killInstance = (id: string) =>
  call(`/api/pool/instances/${encodeURIComponent(id)}`, { answer: Operation, method: 'DELETE' })

export const readOperation = (id: string, signal: AbortSignal) =>
  call(`/api/pool/operations/${encodeURIComponent(id)}`, { answer: Operation, signal })

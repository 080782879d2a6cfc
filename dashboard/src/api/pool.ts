import { Counts, Operation, Operations, PoolStatus } from '@convos/pool/contract'
import { call } from './client.ts'

export const readStatus = (signal: AbortSignal) => call('/api/pool/status', { answer: PoolStatus, signal })
export const readCounts = (signal: AbortSignal) => call('/api/pool/counts', { answer: Counts, signal })

export const killInstance = (id: string) =>
  call(`/api/pool/instances/${encodeURIComponent(id)}`, { answer: Operation, method: 'DELETE' })

export const readOperation = (id: string, signal: AbortSignal) =>
  call(`/api/pool/operations/${encodeURIComponent(id)}`, { answer: Operation, signal })
export const readOperations = (signal: AbortSignal) => call('/api/pool/operations', { answer: Operations, signal })

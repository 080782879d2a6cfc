import {
  Activity,
  Claim,
  type InstanceSort,
  Instance,
  InstanceDebug,
  InstanceLogs,
  Instances,
  InstanceWithEvents,
  Operation,
  type Status,
  ToolSettings,
  ToolUsage,
} from '@convos/pool/contract'
import { call, withQuery } from './client.ts'

/** What is asked of the list; what is not given lets everything through. */
export interface Listing {
  status?: readonly Status[] | undefined
  text?: string | undefined
  template?: string | undefined
  owner?: string | undefined
  image?: string | undefined
  sort: InstanceSort
  order: 'asc' | 'desc'
}

const PAGE = 200
/** The provider and the instance itself are asked before these are answered. */
const PASSED_ON_MS = 30_000

const at = (id: string, rest = '') => `/api/pool/instances/${encodeURIComponent(id)}${rest}`

export const readInstances = (listing: Listing, cursor: string | undefined, signal: AbortSignal) =>
  call(withQuery('/api/pool/instances', { ...listing, limit: PAGE, cursor }), { answer: Instances, signal })
export const readInstance = (id: string, signal: AbortSignal) => call(at(id), { answer: InstanceWithEvents, signal })
export const readHistory = (id: string, signal: AbortSignal) =>
  call(withQuery('/api/pool/activity', { instanceId: id, limit: 200 }), { answer: Activity, signal })
export const readLogs = (id: string, limit: number, signal: AbortSignal) =>
  call(withQuery(at(id, '/logs'), { limit }), { answer: InstanceLogs, signal, deadlineMs: PASSED_ON_MS })
export const probe = (id: string) =>
  call(`/api/pool/debug/${encodeURIComponent(id)}`, { answer: InstanceDebug, deadlineMs: PASSED_ON_MS })

const toolAt = (id: string, toolId: string) => at(id, `/tools/${encodeURIComponent(toolId)}`)

export const readTool = (id: string, toolId: string, signal: AbortSignal) =>
  call(toolAt(id, toolId), { answer: ToolUsage, signal, deadlineMs: PASSED_ON_MS })
export const changeTool = (id: string, toolId: string, change: Record<string, unknown>) =>
  call(toolAt(id, toolId), { answer: ToolSettings, method: 'PATCH', body: change, deadlineMs: PASSED_ON_MS })

export const kill = (id: string) => call(at(id), { answer: Operation, method: 'DELETE' })
export const dismiss = (id: string) =>
  call(`/api/pool/crashed/${encodeURIComponent(id)}`, { answer: Operation, method: 'DELETE' })
export const recycle = (id: string) => call(at(id, '/recycle'), { answer: Operation, method: 'POST', body: {} })
export const redeploy = (id: string, force: boolean) =>
  call(at(id, '/redeploy'), { answer: Operation, method: 'POST', body: { force } })
export const drainThese = (ids: readonly string[]) =>
  call('/api/pool/drain', { answer: Operation, method: 'POST', body: { ids } })
export const changeInstance = (id: string, change: { protected?: boolean; expiresAt?: string | null }) =>
  call(at(id), { answer: Instance, method: 'PATCH', body: change })

/** Safe to repeat with the same key: it is the same claim. */
export const clone = (key: string, id: string) =>
  call(at(id, '/clone'), {
    answer: Claim,
    method: 'POST',
    body: {},
    headers: { 'idempotency-key': key },
    deadlineMs: 40_000,
  })

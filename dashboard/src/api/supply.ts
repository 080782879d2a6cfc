import {
  Alerts,
  Images,
  Instances,
  Operation,
  Providers,
  Settings,
  type SettingsPatch,
  Stats,
  type StatsWindow,
  TickState,
} from '@convos/pool/contract'
import { call, withQuery } from './client.ts'

export const readStats = (window: StatsWindow, signal: AbortSignal) =>
  call(withQuery('/api/pool/stats', { window }), { answer: Stats, signal })
export const readProviders = (signal: AbortSignal) => call('/api/pool/providers', { answer: Providers, signal })
export const readImages = (signal: AbortSignal) => call('/api/pool/images', { answer: Images, signal })
export const readAlerts = (signal: AbortSignal) => call('/api/pool/alerts', { answer: Alerts, signal })
export const readTick = (signal: AbortSignal) => call('/api/pool/tick', { answer: TickState, signal })
export const readSettings = (signal: AbortSignal) => call('/api/pool/settings', { answer: Settings, signal })

/** One page of all instances, the oldest first. */
export const readInstancesAfter = (cursor: string | undefined, signal: AbortSignal) =>
  call(withQuery('/api/pool/instances', { order: 'asc', limit: 200, cursor }), { answer: Instances, signal })

export const changeSettings = (change: SettingsPatch) =>
  call('/api/pool/settings', { answer: Settings, method: 'PATCH', body: change })
export const replenish = (count: number) => call('/api/pool/replenish', { answer: Operation, method: 'POST', body: { count } })
/** Drains these, or so many of the ready ones. */
export const drain = (which: { ids: string[] } | { count: number }) =>
  call('/api/pool/drain', { answer: Operation, method: 'POST', body: which })
export const rollOut = () => call('/api/pool/rollout', { answer: Operation, method: 'POST' })
export const resetBreaker = (digest: string) =>
  call(`/api/pool/images/${encodeURIComponent(digest)}/breaker`, { answer: Images, method: 'DELETE' })
/** Begins nothing more of it. */
export const stopOperation = (id: string) =>
  call(`/api/pool/operations/${encodeURIComponent(id)}`, { answer: Operation, method: 'DELETE' })

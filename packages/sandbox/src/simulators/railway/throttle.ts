import { projectsTooQuickly } from './errors.ts'
import type { RailwayState } from './state.ts'

/** One project per interval and workspace; a refused attempt does not extend the wait. */
export function takeProjectSlot(state: RailwayState, workspaceId: string, now: Date, intervalMs: number): void {
  const last = state.lastProjectAt[workspaceId]
  if (last !== undefined && now.getTime() - last < intervalMs) throw projectsTooQuickly(intervalMs / 1000)
  state.lastProjectAt[workspaceId] = now.getTime()
}

import type { SimClock } from '../core/clock.ts'
import type { LogLine } from './hosts/host.ts'

const LINES = 200

export interface StoredLine extends LogLine {
  at: Date
}

/** The last lines that each deployment wrote. */
export function deploymentLogs(clock: SimClock) {
  const logs = new Map<string, StoredLine[]>()
  return {
    note(deploymentId: string, line: LogLine): void {
      const lines = logs.get(deploymentId) ?? []
      lines.push({ ...line, at: clock.now() })
      logs.set(deploymentId, lines.slice(-LINES))
    },
    of: (deploymentId: string): StoredLine[] => logs.get(deploymentId) ?? [],
    forget: (deploymentId: string) => void logs.delete(deploymentId),
  }
}

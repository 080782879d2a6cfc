import type { Effect } from '../../core/effects.ts'

/** What a deployment's container is made of. */
export interface Launch {
  deploymentId: string
  projectId: string
  /** The agent that it belongs to, if our marker says so. */
  instanceId: string | null
  /** Where it must listen. */
  address: string
  variables: Record<string, string>
  volumeId: string | null
}

/** One running container. */
export interface Hosted {
  /** Of the agent server itself, not of what watches it; `null` where there is no process. */
  pid: number | null
  /** Resolves when it is gone with everything it started; the exit code as a shell gives it, 137 for a kill -9. */
  exited: Promise<number>
  /** Does `GET path` answer 200? */
  healthy(path: string): Promise<boolean>
  /** Asks it to end, ends it after `graceMs`, and resolves when it is gone. */
  stop(graceMs: number): Promise<void>
  /** Puts it to sleep until the next request; `woken` is told when it is up again. */
  sleep?(woken: () => void): void
}

export type LogLine = { severity: 'info' | 'error'; message: string }

/** Below the ranges from which systems take ports for outgoing connections: an address must be free again at every restart. */
export const INSTANCE_PORTS = { from: 20_000, to: 29_999 }

/** Runs the containers of deployments. */
export interface InstanceHost {
  name: 'process' | 'virtual'
  /** Faults that it cannot inflict on its instances. */
  lacks(effect: Effect): boolean
  /** A place to listen that nobody else has; it stays its owner's for life. */
  allot(taken: ReadonlySet<string>): Promise<string>
  launch(launch: Launch, log: (line: LogLine) => void, signal: AbortSignal): Promise<Hosted>
  /** Forgets what a deployment wrote outside its volume. */
  discardContainer(projectId: string, deploymentId: string): Promise<void>
  /** Forgets everything of a project, volumes too. */
  discardProject(projectId: string): Promise<void>
  /** What only memory holds, for a host that has no folder. */
  dump?(): unknown
  load?(stored: unknown): void
  close(): Promise<void>
}

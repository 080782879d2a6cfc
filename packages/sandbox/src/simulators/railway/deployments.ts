import { randomUUID } from 'node:crypto'
import { type SimClock, simSleep } from '../core/clock.ts'
import type { DeploymentFault } from '../core/effects.ts'
import { notRestartable, notStoppable } from './errors.ts'
import { createFates } from './fates.ts'
import type { Hosted, InstanceHost } from './hosts/host.ts'
import { deploymentLogs } from './logs.ts'
import { recordDeployment } from './record.ts'
import { createRuns, type Run } from './runs.ts'
import { isRising, type Deployment, type DeploymentStatus, type RailwayState, type Service } from './state.ts'

/** Simulated milliseconds. */
export interface Timings {
  /** INITIALIZING lasts this long. */
  initializingMs: number
  /** From DEPLOYING to the start of the process. */
  creatingMs: number
  /** Between two health checks. */
  healthcheckMs: number
  /** From REMOVING to REMOVED. */
  removingMs: number
}

export const QUICK: Timings = { initializingMs: 100, creatingMs: 100, healthcheckMs: 100, removingMs: 200 }

const STOP_GRACE_MS = 10_000
const CLOSE_GRACE_MS = 2_000
const DEFAULT_HEALTHCHECK_TIMEOUT_S = 300
export const DEFAULT_MAX_RETRIES = 10
const RESTART_DELAY_MS = { first: 100, longest: 5_000 }
/** A process that lived this long did not fail at its start: its retries begin anew. */
const STEADY_MS = 10_000

interface Parts {
  state: RailwayState
  clock: SimClock
  host: InstanceHost
  timings: Timings
  /** Asked as a deployment begins, with the operation that caused it. */
  fateOf: (operation: string, instanceId: string | null) => DeploymentFault | null
  /** Asked at each start of a process: how much longer it takes. */
  bootDelayMs: (instanceId: string | null) => number
}

export type Deployments = ReturnType<typeof deployments>

/** Drives deployments through their life. State says what is, runs make it so; a restart begins the runs again. */
export function deployments({ state, clock, host, timings, fateOf, bootDelayMs }: Parts) {
  const runs = createRuns()
  const logs = deploymentLogs(clock)
  const fates = createFates({ start: host.launch, clock, bootDelayMs: (d) => bootDelayMs(d.instanceId) })

  const now = () => clock.now().toISOString()
  const setStatus = (d: Deployment, status: DeploymentStatus) =>
    Object.assign(d, { status, statusUpdatedAt: now(), updatedAt: now() })
  const setInstance = (d: Deployment, status: NonNullable<Deployment['instance']>['status']) =>
    (d.instance = { id: d.instance?.id ?? randomUUID(), status })
  const ofService = (serviceId: string) => state.deployments.filter((d) => d.serviceId === serviceId)

  const pause = (ms: number, signal: AbortSignal) => simSleep(clock, ms, signal)

  function start(d: Deployment, drive: (d: Deployment, run: Run) => Promise<void>): void {
    const failed = (error: unknown) => {
      logs.note(d.id, { severity: 'error', message: String(error) })
      setStatus(d, 'FAILED')
    }
    runs.start(d, (run) => drive(d, run), failed)
  }

  async function rise(d: Deployment, run: Run): Promise<void> {
    const { signal } = run
    await pause(timings.initializingMs, signal)
    setStatus(d, 'DEPLOYING')
    setInstance(d, 'INITIALIZING')
    await pause(timings.creatingMs + fates.delayMs(d), signal)
    if (fates.isDoomed(d)) throw new Error('the image could not be pulled')
    setInstance(d, 'CREATED')
    // Two processes must never share a volume or a port, so the old one goes before the new one comes.
    const others = ofService(d.serviceId).filter((other) => other !== d)
    await Promise.all(others.map(bringDown))
    signal.throwIfAborted()
    const timeoutMs = (d.deploy.healthcheckTimeout ?? DEFAULT_HEALTHCHECK_TIMEOUT_S) * 1000
    const cancelTimeout = clock.after(timeoutMs, () => isRising(d) && runs.inBackground(fail(d)))
    try {
      await supervise(d, run)
    } finally {
      cancelTimeout()
    }
  }

  /** Keeps the process running for as long as the restart policy says so. */
  async function supervise(d: Deployment, run: Run): Promise<void> {
    const { signal } = run
    const { restartPolicyType = 'ON_FAILURE', restartPolicyMaxRetries = DEFAULT_MAX_RETRIES } = d.deploy
    for (let retries = 0; ; retries++) {
      const startedAt = clock.now().getTime()
      run.hosted = await fates.launch(d, (line) => logs.note(d.id, line), signal)
      if (signal.aborted) await run.hosted.stop(0)
      signal.throwIfAborted()
      setInstance(d, 'RUNNING')

      const gone = new AbortController()
      const alive = AbortSignal.any([signal, gone.signal])
      if (isRising(d)) void becomeHealthy(d, run.hosted, alive)
      else void growDrowsy(d, run.hosted, alive)
      const code = await run.hosted.exited
      gone.abort()
      run.hosted = null
      signal.throwIfAborted()

      if (code === 0 && restartPolicyType !== 'ALWAYS') return complete(d)
      if (clock.now().getTime() - startedAt >= STEADY_MS) retries = 0
      const exhausted = restartPolicyType === 'ON_FAILURE' && retries >= restartPolicyMaxRetries
      if (restartPolicyType === 'NEVER' || exhausted) return crash(d)
      setInstance(d, 'RESTARTING')
      await pause(Math.min(RESTART_DELAY_MS.first * 2 ** retries, RESTART_DELAY_MS.longest), signal)
    }
  }

  async function becomeHealthy(d: Deployment, hosted: Hosted, signal: AbortSignal): Promise<void> {
    const path = d.deploy.healthcheckPath
    const healthy = async () => path === undefined || (await hosted.healthy(path))
    try {
      while (!(await healthy())) await pause(timings.healthcheckMs, signal)
      signal.throwIfAborted()
    } catch {
      return
    }
    succeed(d)
    await growDrowsy(d, hosted, signal)
  }

  /** Where a fault says so, it falls asleep, and wakes when it is asked something. */
  async function growDrowsy(d: Deployment, hosted: Hosted, signal: AbortSignal): Promise<void> {
    const ms = fates.drowsyMs(d)
    if (ms === null) return
    try {
      await pause(ms, signal)
    } catch {
      return
    }
    d.stopped = true
    setStatus(d, 'SLEEPING')
    hosted.sleep?.(() => {
      if (d.status !== 'SLEEPING') return
      Object.assign(d, { stopped: false, fate: null })
      setStatus(d, 'SUCCESS')
    })
  }

  function succeed(d: Deployment): void {
    d.stopped = false
    setStatus(d, 'SUCCESS')
    for (const older of ofService(d.serviceId)) {
      if (older !== d && (older.status === 'SUCCESS' || older.status === 'CRASHED' || older.status === 'SLEEPING')) retire(older)
    }
  }

  function complete(d: Deployment): void {
    if (isRising(d)) succeed(d)
    d.stopped = true
    setInstance(d, 'EXITED')
  }

  function crash(d: Deployment): void {
    // A restart is a new chance.
    Object.assign(d, { stopped: true, fate: null })
    setInstance(d, 'CRASHED')
    setStatus(d, 'CRASHED')
  }

  async function fail(d: Deployment): Promise<void> {
    d.stopped = true
    setStatus(d, 'FAILED')
    await runs.halt(d, STOP_GRACE_MS)
    setInstance(d, 'EXITED')
  }

  function retire(d: Deployment): void {
    setStatus(d, 'REMOVING')
    clock.after(timings.removingMs, () => {
      setStatus(d, 'REMOVED')
      setInstance(d, 'REMOVED')
      runs.inBackground(host.discardContainer(d.projectId, d.id))
    })
  }

  /** The process ends; a deployment that never came up ends with it, one that did keeps its status until it is replaced. */
  async function bringDown(d: Deployment): Promise<void> {
    if (!runs.isRunning(d)) return
    await runs.halt(d, STOP_GRACE_MS)
    d.stopped = true
    if (d.instance) setInstance(d, 'EXITED')
    if (isRising(d)) retire(d)
  }

  async function revive(d: Deployment, run: Run): Promise<void> {
    d.stopped = false
    if (d.status === 'CRASHED') setStatus(d, 'SUCCESS')
    await supervise(d, run)
  }

  function resume(d: Deployment): void {
    if (d.status === 'REMOVING') retire(d)
    else if (isRising(d)) start(d, rise)
    else if (d.status === 'SLEEPING' || (d.status === 'SUCCESS' && !d.stopped)) start(d, supervise)
  }

  return {
    /** A new deployment, for this cause, of what the service is configured as now; an unfinished older one gives way to it. */
    deploy(service: Service, cause: string): Deployment {
      const d = recordDeployment(state, service, now())
      d.fate = fateOf(cause, d.instanceId)
      for (const older of ofService(service.id)) if (isRising(older)) runs.inBackground(bringDown(older))
      state.deployments.push(d)
      start(d, rise)
      return d
    },
    /** The same deployment, same variables, a new process; also wakes one that was stopped or has crashed. */
    restart(d: Deployment): void {
      if (d.status !== 'SUCCESS' && d.status !== 'CRASHED') throw notRestartable()
      runs.inBackground(
        runs.halt(d, STOP_GRACE_MS).then(() => {
          // Meanwhile another restart may have been faster, or the project deleted.
          const free = !runs.isRunning(d) && state.deployments.includes(d)
          return free ? start(d, revive) : undefined
        }),
      )
    },
    /** Its status stays SUCCESS: only `deploymentStopped` and its instance tell. */
    stop(d: Deployment): void {
      if (d.status !== 'SUCCESS' || d.stopped) throw notStoppable()
      runs.inBackground(bringDown(d))
    },
    /** Ends and forgets everything a deleted project ran. */
    dropProject(projectId: string): void {
      const doomed = state.deployments.filter((d) => d.projectId === projectId)
      state.deployments = state.deployments.filter((d) => d.projectId !== projectId)
      for (const d of doomed) logs.forget(d.id)
      runs.inBackground(Promise.all(doomed.map((d) => runs.halt(d, STOP_GRACE_MS))).then(() => host.discardProject(projectId)))
    },
    pidOf: runs.pidOf,
    logsOf: (d: Deployment) => logs.of(d.id),
    /** After a restart of the simulator: what ran before runs again. */
    resumeAll: () => state.deployments.forEach(resume),
    /** Ends every process without a change of state. */
    haltAll: () => runs.haltAll(CLOSE_GRACE_MS),
  }
}

import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isFree } from '../../../ports.ts'
import { answersOk } from './healthcheck.ts'
import { type Hosted, INSTANCE_PORTS, type InstanceHost, type Launch, type LogLine } from './host.ts'

export interface ProcessHostOptions {
  /** Holds a folder per project: its volumes, and what its containers write elsewhere. */
  dataDir: string
  /** What stands in for every image. */
  agentServer?: { command: string; args: string[] } | undefined
  /** What their domains name; absent: 127.0.0.1. */
  hostname?: string | undefined
  /** True: `dataDir` is removed on close. */
  temporary?: boolean | undefined
}

const AGENT_SERVER = fileURLToPath(new URL('../../../../../../runtime/server/src/index.ts', import.meta.url))

/**
 * The container's edge. Fd 3 tells us the server's pid and exit code; fd 4 is a pipe of which we hold the other end, so its
 * end means that we are gone (even by kill -9). Whatever happens, the whole process group goes with the server.
 */
const CONTAINER = `
exec 4<&0
unset PWD OLDPWD SHLVL
"$@" 3>&- 4<&- </dev/null &
server=$!
echo "pid $server" >&3
(exec 3>&-; cat <&4 >/dev/null; kill -TERM $server; sleep 2; kill -KILL 0) >/dev/null 2>&1 &
wait $server
echo "exit $?" >&3
kill -KILL 0
`

const PORT_RELEASE_MS = 15_000

/** Runs each deployment as a local process: the agent server of this repository, whatever the image and start command say. */
export function processHost({
  dataDir: folder,
  agentServer,
  hostname = '127.0.0.1',
  temporary,
}: ProcessHostOptions): InstanceHost {
  const { command, args } = agentServer ?? { command: process.execPath, args: [AGENT_SERVER] }
  const dataDir = resolve(folder)
  const containerDir = (projectId: string, deploymentId: string) => join(dataDir, projectId, 'containers', deploymentId)
  const volumeDir = (projectId: string, volumeId: string) => join(dataDir, projectId, 'volumes', volumeId)
  const discard = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 5 })

  return {
    name: 'process',
    // Requests go straight to the process: nobody stands in between who could spoil an answer or notice that one is wanted.
    lacks: (effect) =>
      (effect.kind === 'instance' && effect.how !== 'slow-boot') || (effect.kind === 'deployment' && effect.how === 'sleep'),
    async allot(taken) {
      for (;;) {
        const port = randomInt(INSTANCE_PORTS.from, INSTANCE_PORTS.to + 1)
        if (!taken.has(`${hostname}:${port}`) && (await isFree(port))) return `${hostname}:${port}`
      }
    },

    async launch(launch, log, signal) {
      const { projectId, deploymentId, volumeId, address } = launch
      const home = containerDir(projectId, deploymentId)
      const volume = volumeId === null ? null : volumeDir(projectId, volumeId)
      await mkdir(home, { recursive: true })
      if (volume !== null) await mkdir(volume, { recursive: true })
      await untilFree(portOf(address), signal)
      const env = localEnvironment(launch, home, volume)
      return contain({ command, args, cwd: home, env }, log, address)
    },

    discardContainer: (projectId, deploymentId) => discard(containerDir(projectId, deploymentId)),
    discardProject: (projectId) => discard(join(dataDir, projectId)),
    async close() {
      if (temporary) await discard(dataDir)
    },
  }
}

const portOf = (address: string) => Number(address.split(':').at(-1))

/** The deployment's variables, and nothing of our own environment. */
function localEnvironment({ address, variables }: Launch, home: string, volume: string | null): Record<string, string> {
  return {
    ...variables,
    // A container has its ports to itself, processes share them: the domain leads to this one, whatever PORT the patch set.
    PORT: String(portOf(address)),
    // The same for the mount point.
    ...(volume !== null && { RAILWAY_VOLUME_MOUNT_PATH: volume }),
    HOME: home,
    PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
  }
}

interface Command {
  command: string
  args: string[]
  cwd: string
  env: Record<string, string>
}

/** Starts a command within its container; resolves once it has a pid. */
async function contain({ command, args, cwd, env }: Command, log: (line: LogLine) => void, address: string): Promise<Hosted> {
  const shell = spawn('/bin/sh', ['-c', CONTAINER, 'container', command, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
  const linesFrom = (fd: 1 | 2 | 3) => createInterface({ input: shell.stdio[fd] as Readable })
  linesFrom(1).on('line', (message) => log({ severity: 'info', message }))
  linesFrom(2).on('line', (message) => log({ severity: 'error', message }))
  // Its end is our life sign: nothing is ever written, and a child that is gone already is no fault.
  shell.stdin?.on('error', () => undefined)

  const started = Promise.withResolvers<number>()
  const gone = Promise.withResolvers<number>()
  let code = 137
  shell.once('error', started.reject)
  linesFrom(3)
    .on('line', (line) => {
      const [what, value] = line.split(' ')
      if (what === 'pid') started.resolve(Number(value))
      else code = Number(value)
    })
    .once('close', () => {
      started.reject(new Error('the container ended before its process began'))
      gone.resolve(code)
    })
  const pid = await started.promise

  return {
    pid,
    exited: gone.promise,
    healthy: (path) => answersOk(`http://${address}${path}`),
    async stop(graceMs) {
      signalTo(pid, 'SIGTERM')
      // Only the server: its shell reaps it, and takes the rest of the group along.
      const timer = setTimeout(() => signalTo(pid, 'SIGKILL'), graceMs)
      await gone.promise
      clearTimeout(timer)
    },
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A predecessor (of a simulator that was killed, too) may need a moment to leave; then the new one must cope. */
async function untilFree(port: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + PORT_RELEASE_MS
  while (Date.now() < deadline && !(await isFree(port))) await delay(50, undefined, { signal })
}

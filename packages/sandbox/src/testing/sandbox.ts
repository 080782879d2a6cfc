import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Descriptor } from '../launcher/descriptor.ts'
import { eventually } from './eventually.ts'

const START = fileURLToPath(new URL('../start.ts', import.meta.url))

export interface SandboxOptions {
  idle: number
  instances?: 'process' | 'virtual'
  engine?: 'lite' | 'openclaw'
  /** Of an earlier run; absent: new data. */
  dataDir?: string
  timeoutMs?: number
  /** Told each line that the command prints. */
  onLine?: (line: string) => void
  /** Aborted: it is stopped, if it has not started yet. */
  signal?: AbortSignal
}

export interface RunningSandbox extends Descriptor {
  dataDir: string
  /** From the command to the printed dashboard link. */
  startMs: number
  /** Read again: pids change when a service is restarted. */
  processesNow(): Promise<Descriptor['processes']>
  /** What Ctrl-C does; answers how long it took. Data stays until `forget`. */
  interrupt(): Promise<number>
  forget(): Promise<void>
}

/** Runs the very command a newcomer runs, on data of its own, and waits until its agents are warm. */
export async function startSandbox(options: SandboxOptions): Promise<RunningSandbox> {
  const { idle, instances = 'process', engine = 'lite', timeoutMs = 120_000, onLine, signal } = options
  const dataDir = options.dataDir ?? (await newFolder())
  const file = join(dataDir, 'sandbox.json')
  const began = performance.now()
  const args = [START, '--data', dataDir, '--port', '0', '--idle', String(idle), '--instances', instances, '--engine', engine]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      onLine?.(chunk.toString().trim())
    })
  let over = false
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(() => void (over = true))
  const forget = () => rm(dataDir, { recursive: true, force: true })
  const stop = () => void child.kill('SIGINT')
  signal?.addEventListener('abort', stop)
  try {
    const isWarm = () => /^ {2}Dashboard {3}http/m.test(output) && existsSync(file)
    await eventually('the sandbox is warm, or over', () => over || isWarm(), { timeoutMs, everyMs: 20 })
    if (over) throw new Error('the sandbox ended')
  } catch (err) {
    stop()
    await exited
    if (options.dataDir === undefined) await forget()
    throw new Error(`the sandbox did not start:\n${output}`, { cause: err })
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  const read = async () => Descriptor.parse(JSON.parse(await readFile(file, 'utf8')))
  return {
    ...(await read()),
    dataDir,
    startMs: performance.now() - began,
    processesNow: async () => (await read()).processes,
    async interrupt() {
      const asked = performance.now()
      stop()
      await exited
      return performance.now() - asked
    },
    forget,
  }
}

/** One that the database's own user can reach: it would put the cluster elsewhere, where nobody removes it. */
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'convos-sandbox-'))
  await chmod(folder, 0o755)
  return folder
}

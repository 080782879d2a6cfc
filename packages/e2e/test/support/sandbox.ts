import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Descriptor } from '@convos/sandbox/descriptor'
import { eventually } from '@convos/sandbox/testing'

const START = fileURLToPath(new URL('../../../sandbox/src/start.ts', import.meta.url))

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
export async function startSandbox(options: { idle: number; dataDir?: string }): Promise<RunningSandbox> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'convos-sandbox-')))
  const file = join(dataDir, 'sandbox.json')
  const began = performance.now()
  const child = spawn(process.execPath, [START, '--data', dataDir, '--port', '0', '--idle', String(options.idle)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await eventually(
    'the sandbox is warm',
    () => {
      if (child.exitCode !== null) throw new Error(`the sandbox ended:\n${output}`)
      return /^ {2}Dashboard {3}http/m.test(output) && existsSync(file)
    },
    { timeoutMs: 120_000, everyMs: 20 },
  ).catch((err: unknown) => {
    child.kill('SIGINT')
    throw new Error(`the sandbox did not start:\n${output}`, { cause: err })
  })
  const read = async () => Descriptor.parse(JSON.parse(await readFile(file, 'utf8')))
  return {
    ...(await read()),
    dataDir,
    startMs: performance.now() - began,
    processesNow: async () => (await read()).processes,
    async interrupt() {
      const asked = performance.now()
      child.kill('SIGINT')
      await exited
      return performance.now() - asked
    },
    forget: () => rm(dataDir, { recursive: true, force: true }),
  }
}

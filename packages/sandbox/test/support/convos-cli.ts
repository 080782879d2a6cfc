import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { eventually } from '../../src/testing/index.ts'

const BIN = fileURLToPath(new URL('../../bin/convos', import.meta.url))
const Event = z.looseObject({ event: z.string() })
export type Event = z.infer<typeof Event>

/** One agent's folder on disk and the network that it talks to. */
export interface Agent {
  home: string
  run(...args: string[]): Promise<{ json: Record<string, unknown>; stdout: string }>
  serve(...args: string[]): Serving
  [Symbol.dispose](): void
}

/** A running `agent serve`. */
export interface Serving {
  events: Event[]
  child: ChildProcessWithoutNullStreams
  /** The first event of this kind that fits, now or soon. */
  heard(kind: string, fits?: object): Promise<Event>
  write(command: object | string): void
  stderr(): string
  exited: Promise<number | null>
  [Symbol.asyncDispose](): Promise<void>
}

export function newAgent(networkUrl: string): Agent {
  const home = mkdtempSync(join(tmpdir(), 'convos-home-'))
  const env = {
    PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
    CONVOS_HOME: home,
    CONVOS_SANDBOX_URL: networkUrl,
  }
  return {
    home,
    async run(...args) {
      const { stdout } = await promisify(execFile)(BIN, args, { env })
      return { stdout, json: args.includes('--json') ? z.record(z.string(), z.unknown()).parse(JSON.parse(stdout)) : {} }
    },
    serve: (...args) => watch(spawn(BIN, ['agent', 'serve', ...args], { env })),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  }
}

function watch(child: ChildProcessWithoutNullStreams): Serving {
  const events: Event[] = []
  let stderr = ''
  createInterface({ input: child.stdout }).on('line', (line) => events.push(Event.parse(JSON.parse(line))))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin.on('error', () => {}) // it may be gone by the time we write
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return {
    events,
    child,
    exited,
    stderr: () => stderr,
    heard: (kind, fits = {}) =>
      eventually(`a ${kind} event like ${JSON.stringify(fits)} among ${JSON.stringify(events)}`, () =>
        events.find((event) => event.event === kind && Object.entries(fits).every(([name, value]) => event[name] === value)),
      ),
    write: (command) => void child.stdin.write(`${typeof command === 'string' ? command : JSON.stringify(command)}\n`),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

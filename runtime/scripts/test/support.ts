import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

export const RUNTIME = resolve(import.meta.dirname, '../..')
export const REPOSITORY = resolve(RUNTIME, '..')

/** What a program says that stands for the agent server or the gateway: how it was started. */
const TELL = `import { readFileSync, readlinkSync } from 'node:fs'
const { INSTANCE_CONTROL_TOKEN_FD: fd } = process.env
const handed = fd ? { by: readlinkSync('/proc/self/fd/' + fd), token: readFileSync(Number(fd), 'utf8') } : null
console.log(JSON.stringify({ handed, environ: readFileSync('/proc/self/environ', 'utf8'), pid: process.pid, uid: process.getuid(), cwd: process.cwd(), args: process.argv.slice(2), node: process.execArgv, env: process.env }))`

export interface Told {
  /** What came by a file that was open already. */
  handed: { by: string; token: string } | null
  /** What any process of the same user can read of it. */
  environ: string
  pid: number
  uid: number
  cwd: string
  args: string[]
  node: string[]
  env: Record<string, string>
}

export interface Ran {
  pid: number
  code: number | null
  stdout: string
  stderr: string
}

export interface Box {
  /** Stands for `/app`: the scripts as they are, and stand-ins for what they start. */
  root: string
  state: string
  file(path: string): string
  /** Writes below the root. */
  put(path: string, text: string): void
  run(command: string[], env?: Record<string, string>, how?: { uid?: number }): Promise<Ran>
  /** Runs what ends in one of the stand-ins. */
  tell(command: string[], env?: Record<string, string>): Promise<Told & Ran>
}

/** A box as the image lays it out, gone with the test. */
export function box(p: { openclaw?: boolean } = {}): Box {
  const base = mkdtempSync(join(tmpdir(), 'runtime-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  chmodSync(base, 0o755)
  const [root, state] = [join(base, 'app'), join(base, 'data')]
  mkdirSync(state)
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const skipped = /\/(test|node_modules)(\/|$)/
  cpSync(join(RUNTIME, 'scripts'), join(root, 'scripts'), {
    recursive: true,
    filter: (source) => !skipped.test(source.slice(RUNTIME.length)),
  })
  for (const path of ['.env.example', 'openclaw/openclaw.json']) put(path, readFileSync(join(RUNTIME, path), 'utf8'))
  put('openclaw/workspace/AGENTS.md', 'be kind\n')
  put('server/package.json', '{"type":"module"}')
  put('server/dist/index.js', TELL)
  put('node_modules/.bin/.keep', '')
  if (p.openclaw ?? true) put('node_modules/openclaw/openclaw.mjs', TELL)

  const run: Box['run'] = (command, env = {}, how = {}) =>
    new Promise((done, failed) => {
      const [bin = '', ...args] = command
      const child = spawn(bin, args, { env: { PATH: PATH_OF_TESTS, HOME: base, ...env }, ...how })
      const out = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].setEncoding('utf8').on('data', (text: string) => (out[stream] += text))
      child.once('error', failed)
      child.once('close', (code) => done({ pid: child.pid ?? 0, code, ...out }))
    })
  return {
    root,
    state,
    file: (path) => readFileSync(join(state, path), 'utf8'),
    put,
    run,
    async tell(command, env) {
      const ran = await run(command, env)
      if (ran.code !== 0) throw new Error(`it ended with ${ran.code}: ${ran.stderr}`)
      return { ...ran, ...(JSON.parse(ran.stdout) as Told) }
    },
  }
}

/** The Node that runs the tests, before whatever the machine has. */
const PATH_OF_TESTS = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`

export const text = (...path: string[]): string => readFileSync(join(REPOSITORY, ...path), 'utf8')

import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Exit {
  code: number | null
  /** Why it could not be run at all, else the end of what it wrote to stderr. */
  reason: string
}

export interface Child {
  /** One JSON object as a line on its stdin; a child that is gone does not hear it. */
  tell(command: object): void
  /** Never rejects; when it resolves, every line of stdout was handed over. */
  exited: Promise<Exit>
  /** TERM to the whole process group, then KILL after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

const STDERR_KEPT = 500
/** Lets whoever reads it into the conversation, and what a child says goes into the log. */
const INVITE = /([?&]i=)\S+/g
/** Far more than any event needs. */
const LINE_KEPT = 1024 * 1024

/** Runs a command in a process group of its own, with nothing of our environment but what is given. */
export function startChild(
  bin: string,
  args: string[],
  p: { env: Record<string, string>; onLine: (line: string) => void },
): Child {
  const child = spawn(bin, args, { env: p.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  let reason = ''
  child.stdin.on('error', () => {}) // it may have gone; `exited` tells
  child.stderr.setEncoding('utf8').on('data', (text: string) => (reason = (reason + text).slice(-STDERR_KEPT)))
  const lines = lineReader(p.onLine)
  child.stdout.setEncoding('utf8').on('data', lines.read).on('end', lines.end)

  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, name)
    } catch {
      // the group is gone
    }
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (err) => resolve({ code: null, reason: err.message }))
    // what it started must not outlive it; only then its output ends, and what was written last still counts
    child.once('exit', () => signal('SIGKILL'))
    child.once('close', (code) => resolve({ code, reason: reason.replaceAll(INVITE, '$1…').trim() }))
  })
  return {
    exited,
    tell: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
    async stop(graceMs) {
      const gone = new AbortController()
      void exited.then(() => gone.abort())
      signal('SIGTERM')
      await sleep(graceMs, undefined, { signal: gone.signal }).catch(() => {})
      signal('SIGKILL')
      await exited
    },
  }
}

/** Cuts a stream of text into lines. Of an endless one only the beginning is kept, which is no JSON any more. */
export function lineReader(onLine: (line: string) => void): { read(text: string): void; end(): void } {
  let line = ''
  return {
    read(text) {
      for (const [index, part] of text.split('\n').entries()) {
        if (index > 0) {
          onLine(line)
          line = ''
        }
        if (line.length < LINE_KEPT) line = (line + part).slice(0, LINE_KEPT)
      }
    },
    end() {
      if (line !== '') onLine(line)
    },
  }
}

import { spawn } from 'node:child_process'
import { lineReader } from '../../convos/child.ts'

export interface GatewayProcess {
  pid: number
  /** Never rejects. When it resolves nothing of the gateway runs any more, whatever ended it. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; reason: string | null }>
  /** TERM to the group, KILL after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

/**
 * Waits for the end of its stdin, which is the agent server's end or its wish, and removes what is left: the gateway's process group, and
 * what left the group (the gateway starts commands in groups of their own), told by a variable that only this gateway's processes have.
 */
const UNDERTAKER = `
read -r _
kill -KILL -- "-$1"
for _ in 1 2 3 4 5; do
  left=$(grep -slxzF "$2" /proc/[0-9]*/environ)
  [ -n "$left" ] || exit 0
  for file in $left; do file=\${file#/proc/}; kill -KILL "\${file%/environ}"; done
done
`

/**
 * Starts the gateway in a process group of its own, with this environment and nothing else. `mark` (`NAME=value` of that environment) must
 * be true of no other process. It does not outlive us, even when we are killed.
 */
export function startGateway(
  script: string,
  p: { env: Record<string, string>; mark: string; onLine: (line: string, from: 'stdout' | 'stderr') => void },
): GatewayProcess | null {
  const gateway = spawn(script, [], { env: p.env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let reason: string | null = null
  gateway.on('error', (err) => (reason = err.message))
  const { pid } = gateway
  if (pid === undefined) return null
  const undertaker = spawn('/bin/sh', ['-c', UNDERTAKER, 'undertaker', String(pid), p.mark], {
    env: { PATH: p.env['PATH'] ?? '/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  undertaker.stdin.on('error', () => {})
  const buried = new Promise<void>((resolve) => undertaker.once('error', () => resolve()).once('close', () => resolve()))

  for (const from of ['stdout', 'stderr'] as const) {
    const lines = lineReader((line) => p.onLine(line, from))
    gateway[from].setEncoding('utf8').on('data', lines.read).on('end', lines.end)
  }
  const closed = new Promise((resolve) => gateway.once('close', resolve))
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    gateway.once('exit', (code, signal) => resolve({ code, signal })),
  )
  const ended = (async () => {
    const { code, signal } = await exited
    undertaker.stdin.end()
    await buried
    await closed
    return { code, signal, reason }
  })()
  const signalGroup = (name: NodeJS.Signals) => {
    try {
      process.kill(-pid, name)
    } catch {
      // the group is gone
    }
  }
  return {
    pid,
    ended,
    async stop(graceMs) {
      signalGroup('SIGTERM')
      const impatience = setTimeout(() => signalGroup('SIGKILL'), graceMs)
      await ended
      clearTimeout(impatience)
    },
  }
}

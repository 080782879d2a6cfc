import { type ChildProcess, spawn } from 'node:child_process'

/**
 * The shell holds our stdin pipe and reports the pid of what it runs on fd 4: when this process ends in whatever way,
 * the pipe closes and the child is ended with it.
 */
const WATCHDOG =
  'exec 3<&0; "$@" </dev/null 4>&- & pid=$!; echo $pid >&4; exec 4>&-; (cat <&3 >/dev/null; kill -TERM $pid 2>/dev/null) & wait $pid'

export interface GuardedChild {
  /** Of the command itself, not of the shell around it. */
  pid: number
  exited: Promise<void>
  kill(signal: NodeJS.Signals): void
}

/** Runs a command that does not outlive this process. In a session of its own, so that Ctrl-C reaches us alone. */
export async function spawnGuarded(
  command: string,
  args: string[],
  options: { env: Record<string, string>; cwd: string; output: number },
): Promise<GuardedChild> {
  const child: ChildProcess = spawn('/bin/sh', ['-c', WATCHDOG, 'guarded', command, ...args], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['pipe', options.output, options.output, 'ignore', 'pipe'],
  })
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.stdio[4]?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    void exited.then(() => reject(new Error(`${command} ended before it began`)))
  })
  return {
    pid,
    exited,
    kill(signal) {
      try {
        process.kill(pid, signal)
      } catch {
        // it has ended already
      }
    },
  }
}

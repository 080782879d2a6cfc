import { type ChildProcess, spawn } from 'node:child_process'

/** Runs a command to its end; what it writes is shown as it comes unless it is `quiet`. Resolves with its stdout, throws when it fails. */
export function command(bin: string, args: string[], p: { quiet?: boolean } = {}): Promise<string> {
  const child = spawn(bin, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
      if (!p.quiet) process[stream].write(text)
    })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0
        ? resolve(said.stdout.trim())
        : reject(new Error(`${bin} ${args[0] ?? ''} ended with ${code}: ${said.stderr.trim().slice(-2000)}`)),
    )
  })
}

export const isInstalled = (bin: string): Promise<boolean> =>
  command(bin, ['--version'], { quiet: true }).then(
    () => true,
    () => false,
  )

/** A command that goes on, with all that it writes. */
export function background(
  bin: string,
  args: string[],
): { child: ChildProcess; output: () => string; exited: Promise<number | null> } {
  const child = spawn(bin, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { child, output: () => output, exited }
}

/** An option given once for each value. */
export const each = (option: string, values: string[]): string[] => values.flatMap((value) => [option, value])

/** Variables as command lines have them. */
export const assignments = (values: Record<string, string>): string[] =>
  Object.entries(values).map(([name, value]) => `${name}=${value}`)

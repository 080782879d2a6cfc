import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { currentVars, secretsOf } from './environment.ts'
import { Redactor } from './redact.ts'

const USAGE = `usage: with-env <command> [argument …]

Runs a command with the variables of the agent's tools as they are now. Keys and tokens that it prints are hidden.
`
const NOT_FOUND = 127

/** Runs the command that this process was given, and ends as it ends. */
export async function withEnv(): Promise<void> {
  const [command, ...args] = process.argv.slice(2)
  if (command === undefined || command === '--help') {
    ;(command === undefined ? process.stderr : process.stdout).write(USAGE)
    process.exitCode = command === undefined ? 2 : 0
    return
  }
  const vars = currentVars(process.env)
  const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'], env: vars })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const secrets = secretsOf(vars)
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    const redactor = new Redactor(secrets)
    from.setEncoding('utf8')
    from.on('data', (piece: string) => void to.write(redactor.push(piece)))
    from.on('end', () => void to.write(redactor.end()))
  }
  process.exitCode = await new Promise<number>((resolve) => {
    child.on('error', () => {
      process.stderr.write(`with-env: ${command} cannot be run\n`)
      resolve(NOT_FOUND)
    })
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']))
  })
}

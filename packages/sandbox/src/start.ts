/** `pnpm start`: the whole system on one machine. */
import { fileURLToPath } from 'node:url'
import { createDisplay } from './launcher/display.ts'
import { HELP, parseStartOptions, type StartOptions, UsageError } from './launcher/options.ts'
import { runSandbox } from './launcher/run.ts'
import { createTeardown } from './launcher/teardown.ts'

const DATA_DIR = fileURLToPath(new URL('../../../.data', import.meta.url))

async function main(options: StartOptions): Promise<number> {
  const display = createDisplay(process.stdout)
  const teardown = createTeardown()
  const interruption = new AbortController()
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        interruption.abort()
        resolve()
      })
    }
  })
  let code = 0
  try {
    await runSandbox(options, display, teardown, interruption.signal)
    await interrupted
  } catch (err) {
    if (!interruption.signal.aborted) {
      display.line(`\n${err instanceof UsageError ? err.message : ((err as Error).stack ?? String(err))}`)
      code = err instanceof UsageError ? 2 : 1
    }
  }
  if (!teardown.isEmpty()) display.line('  Stopping …')
  await teardown.run()
  return code
}

try {
  const options = parseStartOptions(process.argv.slice(2), DATA_DIR)
  if (options === null) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  process.exit(await main(options))
} catch (err) {
  if (!(err instanceof UsageError)) throw err
  process.stderr.write(`${err.message}\n\n${HELP}`)
  process.exit(2)
}

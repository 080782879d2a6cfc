import type { Logger } from './log.ts'

export interface RunningService {
  /** Stops taking work, finishes what runs, closes; called once. */
  stop(): Promise<void>
}

/**
 * The frame of a service's `index.ts`: starts it, stops it on SIGTERM or SIGINT, and ends the process.
 * A second signal does not hurry it: the platform's own kill does that.
 */
export async function runProcess(log: Logger, start: () => Promise<RunningService>): Promise<void> {
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve).on(signal, () => {})
  })
  try {
    const service = await start()
    log.info({ signal: await signalled }, 'stopping')
    await service.stop()
    process.exit(0)
  } catch (err) {
    log.fatal({ err }, 'cannot go on')
    process.exit(1)
  }
}

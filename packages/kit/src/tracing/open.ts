import type { Logger } from '../log.ts'
import type { TracingOptions } from './otel.ts'
import { installTracing } from './trace.ts'

/** Starts to tell a collector of this process's spans; answers how to tell it the last ones. Without an endpoint nothing is loaded. */
export async function openTracing(
  { endpoint, ...process }: Omit<TracingOptions, 'endpoint'> & { endpoint: string | null },
  log: Logger,
): Promise<() => Promise<void>> {
  if (endpoint === null) return async () => {}
  const { createTracing } = await import('./otel.ts')
  const tracing = createTracing({ endpoint, ...process })
  installTracing(tracing)
  log.info({ endpoint: new URL(endpoint).origin }, 'traces are sent')
  return async () => {
    installTracing(null)
    // a collector that does not answer keeps nobody from stopping
    await tracing.stop().catch((err: unknown) => log.warn({ err }, 'the last spans could not be sent'))
  }
}

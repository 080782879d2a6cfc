import { setTimeout as delay } from 'node:timers/promises'
import { connectDatabase, createLogger, listen, openTracing, runProcess } from '@convos/kit'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { createContext } from './context.ts'
import { migratePool } from './db/migrate.ts'
import { startParts } from './parts.ts'

const log = createLogger('pool', process.env['LOG_LEVEL'])

await runProcess(log, async () => {
  const config = readConfig(process.env)
  const { environment, commit: version, otlpEndpoint: endpoint } = config
  const closeTracing = await openTracing({ endpoint, service: 'pool', environment, version }, log)
  const { applied, meta } = await migratePool(config)
  const db = connectDatabase({ url: config.database.url, prepared: config.database.prepared, log })
  const ctx = await createContext({ config, log, db })
  const parts = startParts(ctx)
  const { port, close } = await listen(createApp(ctx, parts), config.port)
  log.info({ port, environment: meta.environment, deploymentId: meta.deploymentId, applied }, 'pool is listening')
  return {
    async stop() {
      // whoever directs requests here hears of it before the first is refused
      parts.retire()
      await delay(config.shutdownDelayMs)
      const deadline = performance.now() + ctx.limits.shutdownMs
      // still listening: readyz says 503 and who comes late is answered, until the claims are done
      await parts.stop()
      await close(Math.max(1_000, deadline - performance.now()))
      await db.end()
      await closeTracing()
    },
  }
})

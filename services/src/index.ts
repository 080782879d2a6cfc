import { createLogger, openTracing, runProcess } from '@convos/kit'
import { readConfig } from './config.ts'
import { createContext } from './context.ts'
import { migrateServices } from './db/migrate.ts'
import { startServices } from './service.ts'

await runProcess(createLogger('services'), async () => {
  const config = readConfig(process.env)
  const { applied, meta } = await migrateServices({ url: config.db.directUrl, environment: config.environment })
  const ctx = createContext(config, meta)
  const { environment, commit: version, otlpEndpoint: endpoint } = config
  const closeTracing = await openTracing({ endpoint, service: 'services', environment, version }, ctx.log)
  for (const warning of config.warnings) ctx.log.warn(warning)
  if (!config.publicUrl) ctx.log.info('SERVICES_PUBLIC_URL is not set: instances cannot provision tools for themselves')
  if (applied.length > 0) ctx.log.info({ applied }, 'the database was migrated')
  const running = await startServices(ctx)
  return {
    async stop() {
      await running.stop()
      await closeTracing()
    },
  }
})

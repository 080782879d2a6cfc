import { migratePool } from '@convos/pool/bench'
import { startPostgres } from '@convos/sandbox'
import { createDatabase } from '@convos/sandbox/testing'

/** A pool's database, migrated and empty, on a Postgres of its own that is as durable as a real one. */
export async function scratchDatabase(cleanup: AsyncDisposableStack): Promise<string> {
  const server = await startPostgres()
  cleanup.defer(() => server.stop())
  const { url } = await createDatabase(server.url('postgres'), {
    template: 'bench',
    migrate: (to) => migratePool({ environment: 'dev', database: { url: to, directUrl: to, prepared: true } }),
  })
  return url
}

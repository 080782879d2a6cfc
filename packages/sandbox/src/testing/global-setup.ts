import type { TestProject } from 'vitest/node'
import { startPostgres } from '../postgres/embedded.ts'
import { dropDatabases, runPrefix } from './database.ts'

interface Cluster {
  url: string
  stop(): Promise<void>
}

/** One cluster per vitest run: the projects of a root run share it through globalThis. */
const shared = globalThis as { convosCluster?: Promise<Cluster>; convosClusterUsers?: number }

async function boot(): Promise<Cluster> {
  const external = process.env['TEST_DATABASE_URL']
  if (external) return { url: external, stop: () => dropDatabases(external, runPrefix(process.pid)) }
  const server = await startPostgres({ unsafeFast: true })
  return { url: server.url('postgres'), stop: () => server.stop() }
}

export default async function setup(project: TestProject) {
  shared.convosCluster ??= boot()
  shared.convosClusterUsers = (shared.convosClusterUsers ?? 0) + 1
  const cluster = await shared.convosCluster
  project.provide('postgresUrl', cluster.url)
  return async () => {
    shared.convosClusterUsers = (shared.convosClusterUsers ?? 1) - 1
    if (shared.convosClusterUsers === 0) await cluster.stop()
  }
}

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Router } from 'express'
import type { SimContext, Simulator } from '../core/simulator.ts'
import { deployments, QUICK, type Timings } from './deployments.ts'
import { graphqlEndpoint, railwayGraphql } from './endpoint.ts'
import { processHost, type ProcessHostOptions } from './hosts/process.ts'
import { mutations } from './mutations.ts'
import { queries, type Workspace } from './queries.ts'
import { railwayResources } from './resources.ts'
import { emptyState, RailwayState } from './state.ts'

/** The workspace that exists unless others are named. */
export const SANDBOX_WORKSPACE: Workspace = { id: 'sandbox-workspace', name: 'Sandbox' }

export interface RailwayOptions {
  workspaces?: Workspace[]
  /** A workspace may create one project in this time. */
  projectIntervalMs?: number
  timings?: Partial<Timings>
  /** Where instances keep their volumes; absent: a temporary folder. */
  dataDir?: string | undefined
  /** What runs in place of every image; absent: this repository's agent server. */
  agentServer?: ProcessHostOptions['agentServer']
}

/** Railway: projects, services, volumes and domains as data, deployments as real local processes. */
export function createRailway({ clock }: SimContext, options: RailwayOptions = {}): Simulator {
  const { workspaces = [SANDBOX_WORKSPACE], projectIntervalMs = 30_000, dataDir, agentServer } = options
  const state = emptyState()
  const host = processHost({
    dataDir: dataDir ?? mkdtempSync(join(tmpdir(), 'sandbox-railway-')),
    temporary: dataDir === undefined,
    agentServer,
  })
  const running = deployments({ state, clock, host, timings: { ...QUICK, ...options.timings } })
  const fields = {
    ...queries({ state, workspaces, running, clock }),
    ...mutations({ state, workspaces, running, host, clock, projectIntervalMs }),
  }

  return {
    name: 'railway',
    prefix: '/railway',
    router: Router().post('/graphql/v2', graphqlEndpoint(fields)),
    graphql: railwayGraphql,
    resources: () => railwayResources(state, running),
    dump: () => state,
    load(stored) {
      Object.assign(state, RailwayState.parse(stored))
      running.resumeAll()
    },
    async reset() {
      await running.haltAll()
      await Promise.all(state.projects.map((project) => host.discardProject(project.id)))
      Object.assign(state, emptyState())
    },
    async close() {
      await running.haltAll()
      await host.close()
    },
  }
}

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Router } from 'express'
import { z } from 'zod'
import type { SimContext, Simulator } from '../core/simulator.ts'
import { controlRoutes } from './control.ts'
import { deployments, QUICK, type Timings } from './deployments.ts'
import { graphqlEndpoint, railwayGraphql } from './endpoint.ts'
import type { InstanceHost } from './hosts/host.ts'
import { processHost, type ProcessHostOptions } from './hosts/process.ts'
import { virtualHost } from './hosts/virtual/index.ts'
import { requestLimits } from './limits.ts'
import { mutations } from './mutations.ts'
import { queries, type Workspace } from './queries.ts'
import { railwayResources } from './resources.ts'
import { initialSettings, type SettingsChange } from './settings.ts'
import { emptyState, RailwayState } from './state.ts'

/** The workspace that exists unless others are named. */
export const SANDBOX_WORKSPACE: Workspace = { id: 'sandbox-workspace', name: 'Sandbox' }

export interface RailwayOptions extends SettingsChange {
  /** What instances are: local processes, or thousands within this one. */
  host?: InstanceHost['name']
  workspaces?: Workspace[]
  timings?: Partial<Timings>
  /** Where processes keep their volumes; absent: a temporary folder. */
  dataDir?: string | undefined
  /** The name that other machines reach processes by; absent: only this machine does. */
  hostname?: string | undefined
  /** What runs in place of every image; absent: this repository's agent server. */
  agentServer?: ProcessHostOptions['agentServer']
  /** The port of all virtual instances; absent: a free one. */
  instancePort?: number
}

const SLOW_BOOT_MS = 10_000

const Stored = RailwayState.extend({ host: z.unknown().optional() })

/** Railway: projects, services, volumes and domains as data, deployments as instances that answer. */
export function createRailway(ctx: SimContext, options: RailwayOptions = {}): Simulator {
  const { clock } = ctx
  const {
    host: hosting = 'process',
    workspaces = [SANDBOX_WORKSPACE],
    timings,
    dataDir,
    agentServer,
    hostname,
    instancePort,
    ...rest
  } = options
  const initial = initialSettings(rest)
  let current = initial
  const settings = () => current
  const state = emptyState()
  const host =
    hosting === 'virtual'
      ? virtualHost(ctx, { port: instancePort, latencies: settings })
      : processHost({
          dataDir: dataDir ?? mkdtempSync(join(tmpdir(), 'sandbox-railway-')),
          temporary: dataDir === undefined,
          hostname,
          agentServer,
        })
  const running = deployments({
    state,
    clock,
    host,
    timings: { ...QUICK, ...timings },
    fateOf(operation, instanceId) {
      const [fate] = ctx.striking('deployment', { provider: 'railway', at: 'deployment', names: [operation], instanceId })
      return fate?.effect ?? null
    },
    bootDelayMs(instanceId) {
      const [slow] = ctx.striking('instance', { provider: 'railway', at: 'boot', instanceId })
      return slow ? (slow.effect.ms ?? SLOW_BOOT_MS) : 0
    },
  })
  const fields = {
    ...queries({ state, workspaces, running, clock }),
    ...mutations({ state, workspaces, running, host, clock, settings }),
  }
  const { limit, forget } = requestLimits(clock, settings)

  return {
    name: 'railway',
    prefix: '/railway',
    router: Router().post('/graphql/v2', limit, graphqlEndpoint(fields, clock)),
    graphql: railwayGraphql,
    control: controlRoutes({ state, running, host, settings, configure: (next) => void (current = next) }),
    objection: (effect) =>
      host.lacks(effect)
        ? `instances are processes here, out of reach of this fault; the virtual host can inflict it: railway: { host: 'virtual' }`
        : null,
    resources: () => railwayResources(state, running),
    dump: () => ({ ...state, host: host.dump?.() }),
    load(stored) {
      const { host: hosted, ...known } = Stored.parse(stored)
      Object.assign(state, known)
      if (hosted !== undefined) host.load?.(hosted)
      running.resumeAll()
    },
    async reset() {
      await running.haltAll()
      await Promise.all(state.projects.map((project) => host.discardProject(project.id)))
      Object.assign(state, emptyState())
      current = initial
      forget()
    },
    async close() {
      await running.haltAll()
      await host.close()
    },
  }
}

import { z } from 'zod'
import { drawToken } from '../crypto.ts'
import { recordDeployment, recordDesiredEnv, recordDomain, recordPatched, recordService, recordVolume } from '../db/creation.ts'
import type { LatestDeployment } from '../infra/provider.ts'
import { DEPLOYMENT_EXPECTED_WITHIN, DEPLOYMENT_LOOK_EVERY } from '../limits.ts'
import type { Registry } from '../registry.ts'
import { NotYet } from '../saga.ts'
import { desiredState, INSTANCE_PORT, instanceEnv, MOUNT_PATH } from './desired.ts'
import { project } from './project.ts'
import { afterUncertainty, type InstanceStep, projectOf, type Run, serviceOf } from './run.ts'
import { toolEnv, toolStep } from './tools.ts'

/** An empty service never deploys, whatever is attached to it. Names are unique within a project: creating is ensuring. */
const service: InstanceStep = {
  name: 'service',
  do: {
    look: ({ row }) => Promise.resolve(row.serviceId ? 'done' : 'act'),
    async act(run) {
      const { ctx, lease, row } = run
      await recordService(ctx.db, lease, await ctx.infra.ensureService({ ...projectOf(run), name: row.instanceId }))
    },
  },
  undo: null,
}

const volume: InstanceStep = {
  name: 'volume',
  do: {
    async look(run, { do: earlier }) {
      const { ctx, lease, row } = run
      if (row.volumeId) return 'done'
      return afterUncertainty(earlier, ctx.config.railway.projectIntervalMs, async () => {
        const volumeId = await ctx.infra.findVolume(serviceOf(run))
        if (volumeId) await recordVolume(ctx.db, lease, volumeId)
        return volumeId !== null
      })
    },
    async act(run) {
      const { ctx, lease } = run
      const { region } = ctx.config.railway
      await recordVolume(ctx.db, lease, await ctx.infra.createVolume({ ...serviceOf(run), mountPath: MOUNT_PATH, region }))
    },
  },
  undo: null,
}

const recordUrl = ({ ctx, lease }: Run, { domainId, domain }: { domainId: string; domain: string }) =>
  recordDomain(ctx.db, lease, { domainId, url: ctx.config.instance.urlTemplate.replace('{domain}', domain) })

const domain: InstanceStep = {
  name: 'domain',
  do: {
    async look(run, { do: earlier }) {
      const { ctx, row } = run
      if (row.domainId) return 'done'
      return afterUncertainty(earlier, ctx.config.railway.projectIntervalMs, async () => {
        const found = await ctx.infra.findDomain(serviceOf(run))
        if (found) await recordUrl(run, found)
        return found !== null
      })
    },
    async act(run) {
      await recordUrl(run, await run.ctx.infra.createDomain({ ...serviceOf(run), targetPort: INSTANCE_PORT }))
    },
  },
  undo: null,
}

/** ONE patch with everything in it: the instance boots once, and finds all it needs. */
const patch: InstanceStep = {
  name: 'patch',
  do: {
    // the configuration may have changed since a patch whose answer was lost: sent again it could deploy a second time
    look: (run, { do: earlier }) =>
      afterUncertainty(earlier, run.ctx.config.railway.projectIntervalMs, async () => {
        const deployed = (await latestDeployment(run)) !== null
        if (deployed) await recordDeploying(run)
        return deployed
      }),
    async act(run) {
      const { ctx, row } = run
      if (!row.volumeId || !row.url) throw new Error('the volume or the domain has not been recorded')
      const env = await fixedEnv(run)
      const desired = desiredState({ image: row.image, env, config: ctx.config })
      await ctx.infra.apply({ ...serviceOf(run), volumeId: row.volumeId, desired })
      await recordDeploying(run)
    },
  },
  undo: null,
}

/** Once: the deployment that runs is the first patch's. */
async function recordDeploying({ ctx, lease, row }: Run): Promise<void> {
  if (row.phase === 'queued' || row.phase === 'creating') await recordPatched(ctx.db, lease)
}

/** @throws NotYet while the provider does not show the project at all: of what it may hold nothing is known */
async function latestDeployment(run: Run): Promise<LatestDeployment['deployment']> {
  const { projectId } = projectOf(run)
  const shown = (await run.ctx.infra.latestDeployments([projectId])).get(projectId)
  if (!shown) throw new NotYet(DEPLOYMENT_LOOK_EVERY, 'the provider does not show the project now')
  return shown.deployment
}

const Env = z.record(z.string(), z.string())

/** The variables, drawn once: a patch that is sent again must be the same one, or it would deploy again. */
async function fixedEnv({ ctx, lease, row }: Run): Promise<Record<string, string>> {
  const place = (column: string) => `instance_infra/${row.instanceId}/${column}`
  if (row.desiredEnv) return Env.parse(JSON.parse(ctx.vault.open(row.desiredEnv, place('desired_env'))))
  const { gatewayToken, controlToken, servicesToken } = row
  if (!gatewayToken || !controlToken || !servicesToken) throw new Error('the tokens are gone')
  const env = instanceEnv({
    instanceId: row.instanceId,
    secrets: {
      gatewayToken: ctx.vault.open(gatewayToken, place('gateway_token')),
      controlToken: ctx.vault.open(controlToken, place('control_token')),
      servicesToken: ctx.vault.open(servicesToken, place('services_token')),
      setupPassword: drawToken(),
    },
    toolEnv: await toolEnv(ctx, row.instanceId),
    config: ctx.config,
  })
  await recordDesiredEnv(ctx.db, lease, ctx.vault.seal(JSON.stringify(env), place('desired_env')))
  return env
}

/** The patch starts a deployment by itself; should it not have, one is asked for. */
const deployment: InstanceStep = {
  name: 'deployment',
  do: {
    async look(run, { do: earlier }) {
      const { ctx, lease, row } = run
      if (row.deploymentId) return 'done'
      const latest = await latestDeployment(run)
      if (latest) {
        await recordDeployment(ctx.db, lease, latest.id)
        return 'done'
      }
      const askedAgoMs = earlier?.uncertain ? earlier.endedAgoMs : Infinity
      const leftMs = DEPLOYMENT_EXPECTED_WITHIN - Math.min(row.phaseAgeMs, askedAgoMs)
      if (leftMs > 0) throw new NotYet(Math.min(leftMs, DEPLOYMENT_LOOK_EVERY), 'no deployment has started yet')
      return 'act'
    },
    async act(run) {
      await recordDeployment(run.ctx.db, run.lease, await run.ctx.infra.deploy(serviceOf(run)))
    },
  },
  undo: null,
}

/** The steps of a creation, in the order that the provider's behaviour forces. */
export const creationSteps = (tools: Registry): InstanceStep[] => [
  project,
  service,
  volume,
  domain,
  ...tools
    .getAll()
    .filter((tool) => tool.available && tool.provisioning.includes('always'))
    .map(toolStep),
  patch,
  deployment,
]

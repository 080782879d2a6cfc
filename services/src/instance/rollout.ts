import { z } from 'zod'
import { drawToken } from '../crypto.ts'
import { recordDeployment, recordDesiredEnv, recordRising, recordRolloutOver } from '../db/creation.ts'
import type { HeldInstance } from '../db/runner.ts'
import { ProviderError } from '../infra/errors.ts'
import type { PlaceStatus } from '../infra/provider.ts'
import { DEPLOYMENT_EXPECTED_WITHIN, DEPLOYMENT_LOOK_EVERY, LOOKUP_FAILING } from '../limits.ts'
import { NotYet } from '../saga.ts'
import { desiredState, instanceEnv } from './desired.ts'
import { afterUncertainty, type InstanceStep, type Run } from './run.ts'
import { toolEnv } from './tools.ts'

/** The first rollout is the creation; the steps of a later one have log entries of their own. */
const named = (name: string, rollout: number): string => (rollout === 1 ? name : `${name}@${rollout}`)

/** What brings an instance onto its wanted image: one patch with everything in it, and the one deployment which that starts. */
export function rolloutSteps({ rollout, restartOnly }: Pick<HeldInstance, 'rollout' | 'restartOnly'>): InstanceStep[] {
  if (rollout > 1 && restartOnly) return [restart(rollout)]
  const first = [patch(rollout), deployment(rollout)]
  return rollout === 1 ? first : [...first, risen(rollout)]
}

type Deployment = NonNullable<PlaceStatus['deployment']>

/** @throws NotYet while the provider does not show the place at all: of what it may hold nothing is known */
async function latestDeployment({ ctx, row }: Run): Promise<Deployment | null> {
  const shown = (await ctx.infra.status([row])).get(row.instanceId)
  if (!shown) throw new NotYet(lookAgainMs(row), 'the provider does not show the instance now')
  if (shown.deleted)
    throw new ProviderError('it was deleted at the provider', {
      provider: ctx.infra.name,
      operation: 'status',
      kind: 'permanent',
      uncertain: false,
    })
  return shown.deployment
}

/** What takes long may take for ever: it is looked at less and less. */
const lookAgainMs = ({ phaseAgeMs }: HeldInstance): number =>
  Math.min(LOOKUP_FAILING, Math.max(DEPLOYMENT_LOOK_EVERY, phaseAgeMs / 10))

/** A provider may begin deployments by itself, of the old image: ours is a new one of the image that was asked for. */
function isOurs(deployment: Deployment | null, { previousDeploymentId, wantedImage, image }: HeldInstance): boolean {
  if (!deployment || deployment.id === previousDeploymentId) return false
  return deployment.image === null || deployment.image === (wantedImage ?? image)
}

/** ONE patch with everything in it: the instance boots once, and finds all it needs. */
const patch = (rollout: number): InstanceStep => ({
  name: named('patch', rollout),
  do: {
    // the configuration may have changed since a patch whose answer was lost: sent again it could deploy a second time
    look: (run, { do: earlier }) =>
      afterUncertainty(earlier, run.ctx.config.listLagMs, async () => {
        const deployed = isOurs(await latestDeployment(run), run.row)
        if (deployed) await rising(run)
        return deployed
      }),
    async act(run) {
      const { ctx, row } = run
      if (!row.url) throw new Error('the address has not been recorded')
      const { env, removed } = await fixedEnv(run)
      const desired = desiredState({ image: row.wantedImage ?? row.image, env, config: ctx.config })
      await ctx.infra.patch(row.place, { desired, removedVariables: removed })
      await rising(run)
    },
  },
  undo: null,
})

/** Once for a creation: what answers then is the first patch's deployment. */
async function rising({ ctx, lease, row }: Run): Promise<void> {
  if (row.rollout > 1 || row.phase === 'queued' || row.phase === 'creating') await recordRising(ctx.db, lease)
}

const Env = z.record(z.string(), z.string())

/** The variables, drawn once per rollout: a patch that is sent again must be the same one, or it would deploy again. */
async function fixedEnv({ ctx, lease, row }: Run): Promise<{ env: Record<string, string>; removed: string[] }> {
  const place = (column: string) => `instance_infra/${row.instanceId}/${column}`
  const before = row.desiredEnv === null ? {} : Env.parse(JSON.parse(ctx.vault.open(row.desiredEnv, place('desired_env'))))
  if (row.desiredEnv !== null && row.desiredRollout === row.rollout) return { env: before, removed: row.removedVariables }
  const { gatewayToken, controlToken, servicesToken } = row
  if (!gatewayToken || !controlToken || !servicesToken) throw new Error('the tokens are gone')
  const env = instanceEnv({
    instanceId: row.instanceId,
    secrets: {
      gatewayToken: ctx.vault.open(gatewayToken, place('gateway_token')),
      controlToken: ctx.vault.open(controlToken, place('control_token')),
      servicesToken: ctx.vault.open(servicesToken, place('services_token')),
      setupPassword: before['SETUP_PASSWORD'] ?? drawToken(),
    },
    toolEnv: await toolEnv(ctx, row),
    config: ctx.config,
  })
  // what an earlier rollout was to take away may still be there: it may have been given up
  const removed = [...new Set([...row.removedVariables, ...Object.keys(before)])].filter((name) => !(name in env))
  const desiredEnv = ctx.vault.seal(JSON.stringify(env), place('desired_env'))
  await recordDesiredEnv(ctx.db, lease, { desiredEnv, removedVariables: removed })
  return { env, removed }
}

/** The patch starts a deployment by itself; should it not have, one is asked for. */
const deployment = (rollout: number): InstanceStep => ({
  name: named('deployment', rollout),
  do: {
    async look(run, { do: earlier }) {
      const { ctx, lease, row } = run
      if (row.deploymentId) return 'done'
      const latest = await latestDeployment(run)
      if (latest && isOurs(latest, row)) {
        await recordDeployment(ctx.db, lease, latest.id)
        return 'done'
      }
      // what answers was deployed, and is not to boot a second time
      if (rollout === 1 && row.phase === 'running') throw new NotYet(lookAgainMs(row), 'its deployment cannot be seen yet')
      const askedAgoMs = earlier?.uncertain ? earlier.endedAgoMs : Infinity
      const leftMs = DEPLOYMENT_EXPECTED_WITHIN - Math.min(row.phaseAgeMs, askedAgoMs)
      if (leftMs > 0) throw new NotYet(Math.min(leftMs, DEPLOYMENT_LOOK_EVERY), 'no deployment has started yet')
      return 'act'
    },
    async act({ ctx, lease, row }) {
      await recordDeployment(ctx.db, lease, await ctx.infra.redeploy(row.place))
    },
  },
  undo: null,
})

/** Until the new deployment is up, an answer may still be the old one's. */
const risen = (rollout: number): InstanceStep => ({
  name: named('risen', rollout),
  do: {
    async look(run) {
      const { ctx, lease, row } = run
      if (!row.awaitingDeployment) return 'done'
      const latest = await latestDeployment(run)
      if (!latest || !isOurs(latest, row) || latest.verdict === 'rising')
        throw new NotYet(lookAgainMs(row), 'the new deployment is on its way')
      const failure = latest.verdict === 'up' || latest.verdict === 'asleep' ? null : `the new deployment is ${latest.verdict}`
      await recordRolloutOver(ctx.db, lease, { deploymentId: latest.id, failure })
      return 'done'
    },
    act: () => Promise.resolve(),
  },
  undo: null,
})

/** The same deployment once more, or what the provider has put in its place by itself. */
const restart = (rollout: number): InstanceStep => ({
  name: named('restart', rollout),
  do: {
    look: ({ row }) => Promise.resolve(row.awaitingDeployment ? 'act' : 'done'),
    async act(run) {
      const { ctx, lease, row } = run
      const deploymentId = (await latestDeployment(run))?.id ?? row.previousDeploymentId
      if (!deploymentId) throw new Error('there is no deployment to start again')
      await ctx.infra.restart(row.place, deploymentId)
      await recordRising(ctx.db, lease)
      await recordRolloutOver(ctx.db, lease, { deploymentId, failure: null })
    },
  },
  undo: null,
})

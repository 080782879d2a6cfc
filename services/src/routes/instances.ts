import { type Endpoint, endpoint, Problem } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'
import {
  CreateInstanceReply,
  CreateInstanceRequest,
  DestroyReply,
  GatewayReply,
  InstanceId,
  InstanceReply,
  InstancesQuery,
  InstancesReply,
  RedeployReply,
  RedeployRequest,
} from '../contract/index.ts'
import { drawToken, tokenHash } from '../crypto.ts'
import { insertInstance, listInstances, readAccess, wishAbsent } from '../db/instances.ts'
import { readSagaLog } from '../db/saga-log.ts'
import { readStatus } from '../db/status.ts'
import { readTools } from '../db/tools.ts'
import { usableImage } from '../images.ts'
import { knownInstance, unknownInstance } from '../instance/access.ts'
import { redeployInstance } from '../instance/redeploy.ts'
import { stateOf } from '../instance/status.ts'
import { stepsOf } from '../instance/steps.ts'
import { toolStates } from '../instance/tool-state.ts'
import { projectName } from '../naming.ts'

export const ByInstance = z.object({ instanceId: InstanceId })

/** Instances come, are looked at, are changed, and go; the runner does what is wished for here. */
export const instanceRoutes = (ctx: Context): Endpoint<'pool'>[] => [
  endpoint({
    method: 'post',
    path: '/create-instance',
    operationId: 'createInstance',
    summary: 'Wish for an instance; its ledger row is there when this answers',
    auth: 'pool',
    body: CreateInstanceRequest,
    replies: {
      201: CreateInstanceReply.describe('it has an address already'),
      202: CreateInstanceReply.describe('it is being made'),
    },
    async handle({ body: { instanceId, image } }) {
      const isNew = !(await readAccess(ctx.db, instanceId))
      if (isNew) await addInstance(ctx, instanceId, image ?? (await usableImage(ctx)))
      const access = await readAccess(ctx.db, instanceId)
      if (!access || access.wish === 'absent' || access.phase === 'destroyed')
        throw new Problem({
          status: 410,
          code: 'INSTANCE_GONE',
          detail: `instance ${instanceId} was destroyed; ids are not used again`,
        })
      // a repeat wishes for nothing new: what is being made stays in the trace that it began in
      if (isNew) ctx.wished(instanceId)
      else ctx.work.notify()
      return { status: access.url ? 201 : 202, body: { instanceId, url: access.url } }
    },
  }),

  endpoint({
    method: 'delete',
    path: '/destroy/:instanceId',
    operationId: 'destroyInstance',
    summary: 'Wish an instance away; ask again until nothing of it is left',
    auth: 'pool',
    params: ByInstance,
    replies: {
      200: DestroyReply.describe('everything is confirmed gone'),
      202: DestroyReply.describe('something is not confirmed gone yet'),
    },
    async handle({ params: { instanceId } }) {
      const phase = await wishAbsent(ctx.db, instanceId)
      ctx.wished(instanceId)
      ctx.changed.notify()
      const ok = phase === 'destroyed'
      return { status: ok ? 200 : 202, body: { ok } }
    },
  }),

  endpoint({
    method: 'get',
    path: '/instances',
    operationId: 'listInstances',
    summary: 'Every instance that is wished for, for a pool that has lost its own list',
    auth: 'pool',
    query: InstancesQuery,
    replies: { 200: InstancesReply },
    async handle({ query: { after = null, limit } }) {
      const rows = await listInstances(ctx.db, { after, limit })
      const instances = rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }))
      return { status: 200, body: { instances, next: rows.length === limit ? (rows.at(-1)?.instanceId ?? null) : null } }
    },
  }),

  endpoint({
    method: 'get',
    path: '/instances/:instanceId',
    operationId: 'getInstance',
    summary: 'Where an instance stands, and how it got there',
    auth: 'pool',
    params: ByInstance,
    replies: { 200: InstanceReply },
    async handle({ params: { instanceId } }) {
      const [row] = await readStatus(ctx.db, [instanceId])
      if (!row) throw unknownInstance(instanceId)
      const [tools, log] = [await readTools(ctx.db, [instanceId]), await readSagaLog(ctx.db, instanceId)]
      const body: InstanceReply = {
        instanceId,
        state: stateOf(row),
        wish: row.wish,
        url: row.url,
        image: row.image,
        wantedImage: row.wantedImage,
        rolloutError: row.rolloutError,
        tools: toolStates(tools),
        steps: stepsOf(log),
        attempts: row.attempts,
        error: row.lastError,
        nextRunAt: row.nextRunAt?.toISOString() ?? null,
        capabilities: { recycle: ctx.infra.checkpoints !== null },
      }
      return { status: 200, body }
    },
  }),

  endpoint({
    method: 'get',
    path: '/instances/:instanceId/gateway',
    operationId: 'getGateway',
    summary: 'How to reach the gateway of an instance, for the principal of its claim',
    auth: 'pool',
    params: ByInstance,
    replies: { 200: GatewayReply },
    async handle({ params: { instanceId } }) {
      const { url, gatewayToken } = await knownInstance(ctx, instanceId)
      if (!url || !gatewayToken)
        throw new Problem({ status: 409, code: 'INSTANCE_NOT_RUNNING', detail: `instance ${instanceId} has no address yet` })
      const token = ctx.vault.open(gatewayToken, `instance_infra/${instanceId}/gateway_token`)
      return { status: 200, body: { gatewayUrl: url, gatewayToken: token } }
    },
  }),

  endpoint({
    method: 'post',
    path: '/redeploy/:instanceId',
    operationId: 'redeployInstance',
    summary: 'Move an instance to an image, its identity kept; `force` starts it again where it is there already',
    auth: 'pool',
    params: ByInstance,
    body: RedeployRequest,
    replies: { 200: RedeployReply },
    async handle({ params: { instanceId }, body: { image, force = false } }) {
      return { status: 200, body: { ok: true as const, changed: await redeployInstance(ctx, instanceId, { image, force }) } }
    },
  }),

  endpoint({
    method: 'post',
    path: '/recycle/:instanceId',
    operationId: 'recycleInstance',
    summary: 'Return an instance to its clean checkpoint, where its provider has such a thing',
    auth: 'pool',
    params: ByInstance,
    replies: { 200: DestroyReply },
    async handle({ params: { instanceId } }) {
      const { place } = await knownInstance(ctx, instanceId)
      if (!ctx.infra.checkpoints)
        throw new Problem({ status: 409, code: 'NOT_SUPPORTED', detail: `${ctx.infra.name} keeps no checkpoints` })
      await ctx.infra.checkpoints.restore(place)
      return { status: 200, body: { ok: true as const } }
    },
  }),
]

/** Draws the instance's secrets and writes its ledger row; a row that is there already stays. */
async function addInstance({ db, vault, config }: Context, instanceId: string, image: string): Promise<void> {
  const seal = (column: string, token: string) => vault.seal(token, `instance_infra/${instanceId}/${column}`)
  const servicesToken = drawToken()
  await insertInstance(db, {
    instanceId,
    projectName: projectName(config.environment, instanceId),
    image,
    gatewayToken: seal('gateway_token', config.instance.gatewayTokenOverride ?? drawToken()),
    controlToken: seal('control_token', drawToken()),
    servicesToken: seal('services_token', servicesToken),
    servicesTokenHash: tokenHash(servicesToken),
  })
}

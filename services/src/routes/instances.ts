import { Problem } from '@convos/kit'
import { Router } from 'express'
import {
  type CreateInstanceReply,
  CreateInstanceRequest,
  type DestroyReply,
  type GatewayReply,
  InstanceId,
  type InstanceReply,
} from '../contract/index.ts'
import type { z } from 'zod'
import type { Context } from '../context.ts'
import { drawToken, tokenHash } from '../crypto.ts'
import { insertInstance, readAccess, wishAbsent } from '../db/instances.ts'
import { readSagaLog } from '../db/saga-log.ts'
import { readStatus } from '../db/status.ts'
import { readTools } from '../db/tools.ts'
import { resolveImage, wantedImage } from '../images.ts'
import { knownInstance, unknownInstance } from '../instance/access.ts'
import { stateOf, toolStateOf } from '../instance/status.ts'
import { stepsOf } from '../instance/steps.ts'
import { projectName } from '../naming.ts'

/** Instances come, are looked at, and go; the runner does what is wished for here. */
export const instanceRoutes = (ctx: Context) =>
  Router()
    .post('/create-instance', async (req, res) => {
      const { instanceId, image } = CreateInstanceRequest.parse(req.body)
      if (!(await readAccess(ctx.db, instanceId))) await addInstance(ctx, instanceId, image ?? (await usableImage(ctx)))
      const access = await readAccess(ctx.db, instanceId)
      if (!access || access.wish === 'absent')
        throw new Problem({
          status: 410,
          code: 'INSTANCE_GONE',
          detail: `instance ${instanceId} was destroyed; ids are not used again`,
        })
      ctx.work.notify()
      const reply: z.infer<typeof CreateInstanceReply> = { instanceId, url: access.url }
      res.status(access.url ? 201 : 202).json(reply)
    })

    .delete('/destroy/:instanceId', async (req, res) => {
      const phase = await wishAbsent(ctx.db, InstanceId.parse(req.params.instanceId))
      ctx.work.notify()
      ctx.changed.notify()
      const reply: z.infer<typeof DestroyReply> = { ok: phase === 'destroyed' }
      res.status(reply.ok ? 200 : 202).json(reply)
    })

    .get('/instances/:instanceId', async (req, res) => {
      const instanceId = InstanceId.parse(req.params.instanceId)
      const [row] = await readStatus(ctx.db, [instanceId])
      if (!row) throw unknownInstance(instanceId)
      const [tools, log] = [await readTools(ctx.db, [instanceId]), await readSagaLog(ctx.db, instanceId)]
      const reply: InstanceReply = {
        instanceId,
        state: stateOf(row),
        wish: row.wish,
        url: row.url,
        image: row.image,
        tools: tools.map(toolStateOf),
        steps: stepsOf(log),
        error: row.lastError,
        nextRunAt: row.nextRunAt?.toISOString() ?? null,
      }
      res.json(reply)
    })

    .get('/instances/:instanceId/gateway', async (req, res) => {
      const instanceId = InstanceId.parse(req.params.instanceId)
      const { url, gatewayToken } = await knownInstance(ctx, instanceId)
      if (!url || !gatewayToken)
        throw new Problem({ status: 409, code: 'INSTANCE_NOT_RUNNING', detail: `instance ${instanceId} has no address yet` })
      const reply: GatewayReply = {
        gatewayUrl: url,
        gatewayToken: ctx.vault.open(gatewayToken, `instance_infra/${instanceId}/gateway_token`),
      }
      res.json(reply)
    })

async function usableImage(ctx: Context): Promise<string> {
  const { ref, image } = await wantedImage(ctx)
  const usable = image ?? (await resolveImage(ctx)).image
  if (!usable)
    throw new Problem({
      status: 503,
      code: 'IMAGE_UNRESOLVED',
      detail: `${ref} cannot be resolved to a digest now`,
      headers: { 'Retry-After': '30' },
    })
  return usable
}

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

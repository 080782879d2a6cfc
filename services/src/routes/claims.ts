import { Router } from 'express'
import type { Context } from '../context.ts'
import { CancelRequest, ConfigureRequest, InstanceId, ReconfigureRequest } from '../contract/index.ts'
import { cancelClaim, configureInstance, reconfigureInstance } from '../instance/configure.ts'

/** What a claim does to its instance; nothing of the instructions is kept or logged here. */
export const claimRoutes = (ctx: Context) =>
  Router()
    .post('/configure/:instanceId', async (req, res) => {
      const instanceId = InstanceId.parse(req.params.instanceId)
      res.json(await configureInstance(ctx, instanceId, ConfigureRequest.parse(req.body)))
    })

    .patch('/configure/:instanceId', async (req, res) => {
      const instanceId = InstanceId.parse(req.params.instanceId)
      const { agentName, instructions, model } = ReconfigureRequest.parse(req.body)
      await reconfigureInstance(ctx, instanceId, { agentName, instructions, model })
      res.json({ ok: true })
    })

    .post('/cancel/:instanceId', async (req, res) => {
      const instanceId = InstanceId.parse(req.params.instanceId)
      res.json(await cancelClaim(ctx, instanceId, CancelRequest.parse(req.body).claimId))
    })

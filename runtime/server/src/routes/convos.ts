import { randomUUID } from 'node:crypto'
import { bearer, parseRequest, Problem } from '@convos/kit/server'
import { Router } from 'express'
import { z } from 'zod'
import type { Agent } from '../agent.ts'
import { ProvisionRequest } from '../contract.ts'

const Profile = z.object({
  agentName: ProvisionRequest.shape.agentName.default('Assistant'),
  instructions: ProvisionRequest.shape.instructions.default(''),
})
const NewConversation = Profile.prefault({})
const Join = Profile.extend({ inviteUrl: z.string().min(1).max(4096) })

/** What the holder of the gateway token may do without the pool: look, and bind an instance that nobody claimed. */
export function convosRoutes(agent: Agent, gatewayToken: string): Router {
  const router = Router()
  const gateway = bearer([gatewayToken])

  const bind = async (profile: z.infer<typeof Profile>, joinUrl: string | null) => {
    if (agent.binder.record) throw new Problem({ status: 409, code: 'BOUND', detail: 'this instance has its conversation' })
    return await agent.binder.provision({ ...profile, joinUrl, claimId: `direct-${randomUUID()}` })
  }

  router.get('/convos/status', gateway, (_req, res) => {
    const { ready, conversationId, inviteUrl } = agent.health()
    const conversation = conversationId === null ? null : { id: conversationId, inviteUrl }
    res.json({ ready, conversation, streaming: agent.streaming() })
  })
  router.post('/convos/conversation', gateway, async (req, res) => {
    res.status(201).json(await bind(parseRequest(NewConversation, req.body), null))
  })
  router.post('/convos/join', gateway, async (req, res) => {
    const { inviteUrl, ...profile } = parseRequest(Join, req.body)
    const reply = await bind(profile, inviteUrl)
    res.status(reply.status === 'active' ? 201 : 202).json(reply)
  })
  return router
}

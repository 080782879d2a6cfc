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

const Rename = z.object({ name: z.string().trim().min(1).max(200) })
const Lock = z.object({ locked: z.boolean() })
const Explode = z.object({ scheduledAt: z.iso.datetime({ offset: true }).optional() }).prefault({})

/**
 * What the holder of the gateway token may do without the pool: look, bind an instance that nobody claimed, and rule over its
 * conversation. The claim itself is the pool's.
 */
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
  router.post('/convos/rename', gateway, async (req, res) => {
    await agent.actions.command({ type: 'rename', ...parseRequest(Rename, req.body) })
    res.json({ ok: true })
  })
  router.post('/convos/lock', gateway, async (req, res) => {
    await agent.actions.command({ type: parseRequest(Lock, req.body).locked ? 'lock' : 'unlock' })
    res.json({ ok: true })
  })
  /** The end of the conversation for everybody, at once or at a time in the future; the agent has none afterwards. */
  router.post('/convos/explode', gateway, async (req, res) => {
    const { scheduledAt } = parseRequest(Explode, req.body)
    await agent.actions.explode(scheduledAt === undefined ? null : new Date(scheduledAt))
    res.json({ ok: true })
  })
  /**
   * A fresh start in the same conversation: the agent forgets what was said so far. Identity, conversation, claim, instructions
   * and what was laid over the environment stay; a message that waits for its answer is still answered.
   */
  router.post('/convos/reset', gateway, (_req, res) => {
    agent.actions.forget()
    res.json({ ok: true })
  })
  return router
}

import { Deadline } from '@convos/kit'
import type { ConfigureReply, GatewayReply } from '@convos/services/contract'
import type { Context } from '../context.ts'
import type { OfferedTool } from '../contract/template.ts'
import type { ClaimError } from '../db/claims.ts'
import { type AfterBox, failRunning, keepBox, leaveBox, markTouched, ownsUntouched } from '../db/owned.ts'
import type { Reservation } from '../db/reserve.ts'
import { recordBoxTemplate } from '../db/templates.ts'
import { ServicesError } from '../services/errors.ts'
import type { Order } from './order.ts'
import { admit, readBinding } from './pending.ts'
import { giveTools, isForeignBox, takeToolsBack } from './tools.ts'

/** A claim that this replica works on. */
export interface Job {
  claimId: string
  principal: string
  requestId: string
  order: Order
  /** Its client left, and nobody could ever ask for the result: there is no key and no invite. */
  abandoned: boolean
  /** Tokens of the finished agent, for the answer only. */
  gateway: GatewayReply | null
  /** It stands in the queue or beyond: what matches from now on sees it. */
  entered: boolean
  running: boolean
  /** How often it was taken to a box. */
  runs: number
  /** The trace that it belongs to, if there is one, and since when it waits. */
  trace: string | null
  enteredAt: Date
}

const UNREACHABLE = { status: 503, code: 'SERVICES_UNAVAILABLE', detail: 'the claim could not be carried out now; claim again' }
const NO_TOOLS = { status: 503, code: 'TOOLS_UNAVAILABLE', detail: 'the tools could not be provisioned now; claim again' }
const GIVEN_UP = { status: 502, code: 'CLAIM_FAILED', detail: 'the instances that were tried failed; claim again' }
const LOST = { status: 503, code: 'INSTANCE_LOST', detail: 'its instance was taken away before the claim was done' }

const FOREIGN = 'it is bound to another claim'

/** How long tools are taken back at least, however little time the claim has left; its lease is renewed meanwhile. */
const TAKE_BACK_MS = 5_000

/** What an agent without a template may have: all there is. */
const isForClaims = (tool: OfferedTool) => tool.available && !tool.provisioning.includes('always')

/** Only what the claimer can put right is told as it is. */
function whyNot(refused: ServicesError | null): ClaimError {
  if (refused?.fault !== 'claim') return NO_TOOLS
  return { status: refused.status ?? 422, code: refused.code, detail: refused.detail ?? 'a tool refused the claim' }
}

/** Carries out a claim on the box reserved for it, to its end: kept, given back, or given up. Stores what became of it. */
export async function runClaim(ctx: Context, job: Job, reserved: Reservation): Promise<void> {
  const { db, limits, log, meters, services, signals } = ctx
  const { claimId, instanceId, mode } = reserved
  const deadline = new Deadline(reserved.leftMs)
  const ids = { claimId, instanceId }

  const leave = async (to: 'ready' | 'stuck' | 'crashed', reason: string, claim: AfterBox, type?: string) => {
    const how = { type: type ?? (to === 'ready' ? 'released' : 'tainted'), reason, actor: job.principal }
    await leaveBox(db, { ...ids, from: 'claiming', to, ...how, claim })
    signals.emit('changed', to === 'ready' ? 'ready' : 'shrunk')
  }
  const fail = (error: ClaimError): AfterBox => ({ state: 'failed', error })

  const gone: AfterBox = { state: 'cancelled', error: null }
  if (job.abandoned) return leave('ready', 'its claimer left', gone)
  const { agentName, instructions, joinUrl, model, template, tools } = job.order
  let { allowedTools } = job.order
  try {
    await services.reachable()
    allowedTools ??= (await services.tools()).filter(isForClaims).map((tool) => tool.toolId)
  } catch (err) {
    log.warn({ err, ...ids }, 'services cannot be reached')
    return leave('ready', 'services cannot be reached', fail(UNREACHABLE))
  }
  const needMs = mode === 'join' ? limits.anotherBoxJoinMs : limits.anotherBoxCreateMs
  if (deadline.leftMs < needMs) return leave('ready', 'its claim has no time left for it', fail(GIVEN_UP))

  // a replica that stood still may have lost the box: what this claim brings is for nobody else's
  if (tools.length > 0 && !(await ownsUntouched(db, ids))) {
    await failRunning(db, { claimId, error: LOST })
    return
  }
  const share = { withinMs: deadline.leftMs - needMs, requestId: job.requestId }
  const given = await meters.timed('tools', () => giveTools(ctx, { ...ids, order: job.order, ...share }))
  if (given.refused && isForeignBox(given.refused)) return recover(given.refused)
  if (given.tools === null) return giveBack('its tools could not be provisioned', fail(whyNot(given.refused)))
  if (job.abandoned) return giveBack('its claimer left', gone)
  // whoever took the box (an operator's kill, a sweep) has ended the claim, or did so before it was running
  if (!(await markTouched(db, { ...ids, agentName, instructions, model }))) {
    await failRunning(db, { claimId, error: LOST })
    return
  }
  if (template || given.tools.length > 0) await recordBoxTemplate(db, { ...ids, template, tools: given.tools })

  const templateId = template?.templateId ?? null
  const owner = job.order.owner && { address: job.order.owner.address, inboxId: job.order.owner.inboxId }
  const request = { claimId, agentName, instructions, model, joinUrl, owner, templateId, allowedTools: [...allowedTools] }
  const budgetMs = mode === 'join' ? limits.configureJoinMs : limits.configureCreateMs
  try {
    const timeoutMs = Math.min(budgetMs, deadline.leftMs - limits.innerReserveMs)
    const reply = await meters.timed('configure', () => services.configure(instanceId, request, timeoutMs, job.requestId))
    await complete(reply)
  } catch (err) {
    if (!(err instanceof ServicesError)) throw err
    log.warn({ err, ...ids, fault: err.fault, code: err.code }, 'configure failed')
    await recover(err)
  }

  /** An untouched box goes back once its tools are known to be gone, and to nobody while they are not, or one may still come. */
  async function giveBack(reason: string, claim: AfterBox): Promise<void> {
    const within = new Deadline(Math.max(deadline.leftMs - limits.innerReserveMs, TAKE_BACK_MS))
    try {
      const takenBack = tools.length === 0 || (await takeToolsBack(ctx, ids, within))
      if (takenBack && !given.unanswered) return await leave('ready', reason, claim)
    } catch (err) {
      if (!isForeignBox(err)) throw err
      return leave('crashed', FOREIGN, claim, 'foreign_claim')
    }
    return leave('stuck', 'it may have tools of a claim that came to nothing', claim)
  }

  async function complete(reply: ConfigureReply): Promise<void> {
    if (job.abandoned) return leave('stuck', 'its claimer left', gone)
    const { conversationId, inviteUrl, joined, gatewayUrl, gatewayToken } = reply
    const to = reply.status === 'active' && conversationId !== null ? 'claimed' : 'pending'
    job.gateway = { gatewayUrl, gatewayToken }
    const kept = { from: 'claiming', to, conversationId, inviteUrl, joined, actor: job.principal } as const
    if (!(await keepBox(db, { ...ids, ...kept }))) {
      await failRunning(db, { claimId, error: LOST })
      return
    }
    signals.emit('changed')
    if (to === 'claimed') return
    // let in before the row said pending: that was news when nobody could use it, and is not told again
    const found = await readBinding(ctx, ids).catch(() => null)
    if (found) await admit(ctx, { id: instanceId, claimId, ...found })
  }

  async function recover(err: ServicesError): Promise<void> {
    if (err.fault === 'claim') {
      const { status, code, detail } = err
      return leave('stuck', code, fail({ status: status ?? 400, code, detail: detail ?? 'the instance refused the claim' }))
    }
    const foreign = isForeignBox(err)
    // in an invited conversation two agents would be one too many: be sure of the first before a second
    if (mode === 'join' && !foreign && !(await withdrawn())) return
    if (err.fault === 'provider') return leave('stuck', err.code, fail(UNREACHABLE))

    const again = reserved.tainted + 1 < limits.maxTainted && deadline.leftMs >= needMs
    const after: AfterBox = job.abandoned
      ? gone
      : again
        ? { state: 'queued', leaseMs: limits.queueLeaseMs, reserveMs: needMs }
        : fail(GIVEN_UP)
    await (foreign ? leave('crashed', FOREIGN, after, 'foreign_claim') : leave('stuck', err.code, after))
  }

  /** False: the box is, or may be, in the conversation, and the claim was completed or waits for it. */
  async function withdrawn(): Promise<boolean> {
    let found: Awaited<ReturnType<typeof readBinding>> = null
    try {
      const { joined } = await services.cancel(instanceId, claimId, limits.cancelMs)
      if (!joined) return true
      found = await readBinding(ctx, ids)
    } catch (err) {
      log.warn({ err, ...ids }, 'a failed join could not be withdrawn; the claim waits')
    }
    const kept = found
      ? ({ to: 'claimed', ...found, joined: true } as const)
      : ({ to: 'pending', conversationId: null, inviteUrl: null, joined: false } as const)
    await keepBox(db, { ...ids, from: 'claiming', ...kept, actor: job.principal })
    signals.emit('changed')
    return false
  }
}

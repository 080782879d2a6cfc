import { CancelReply, OkReply, type ProfileRequest, ProvisionReply, type ProvisionRequest } from '@convos/agent-server/contract'
import { Deadline, HttpError, Problem, requestJson } from '@convos/kit'
import { z } from 'zod'
import type { ConfigureReply, ConfigureRequest } from '../contract/index.ts'
import type { Context } from '../context.ts'
import { nextProfileRevision, probeSoon, recordClaim } from '../db/instances.ts'
import { CONFIGURE, CONFIGURE_JOIN, INSTANCE_CALL, INSTANCE_MAX_BYTES, RESERVE } from '../limits.ts'
import { type ReachableInstance, runningInstance, unknownInstance } from './access.ts'

/** Makes an untouched instance the agent of one claim: one call to it, whose repeat answers the same. */
export async function configureInstance(
  ctx: Context,
  instanceId: string,
  { claimId, agentName, instructions, model, joinUrl, allowedTools }: ConfigureRequest,
): Promise<z.infer<typeof ConfigureReply>> {
  const deadline = new Deadline(joinUrl ? CONFIGURE_JOIN : CONFIGURE)
  const instance = await runningInstance(ctx, instanceId)
  const body: ProvisionRequest = { claimId, agentName, instructions, model, joinUrl: joinUrl ?? null }
  try {
    const { ok, conversationId, inviteUrl, joined, status } = await callInstance(instance, {
      method: 'POST',
      path: '/pool/provision',
      json: body,
      timeoutMs: deadline.leftMs - RESERVE,
      reply: ProvisionReply,
    })
    await recordClaim(ctx.db, { instanceId, claimId, allowedTools })
    return {
      ok,
      conversationId,
      inviteUrl,
      joined,
      status,
      gatewayUrl: instance.url,
      gatewayToken: instance.gatewayToken,
    }
  } catch (err) {
    // whatever it did, its own word about it is wanted soon
    await probeSoon(ctx.db, instanceId)
    throw err
  }
}

/** Changes what the agent is called or told; its conversation stays. */
export async function reconfigureInstance(
  ctx: Context,
  instanceId: string,
  change: Omit<ProfileRequest, 'revision'>,
): Promise<void> {
  const instance = await runningInstance(ctx, instanceId)
  const revision = await nextProfileRevision(ctx.db, instanceId)
  if (revision === null) throw unknownInstance(instanceId)
  await callInstance(instance, {
    method: 'PATCH',
    path: '/pool/profile',
    json: { ...change, revision } satisfies ProfileRequest,
    timeoutMs: INSTANCE_CALL,
    reply: OkReply,
  })
}

/** Withdraws a claim; `joined` says that it came too late. */
export async function cancelClaim(ctx: Context, instanceId: string, claimId: string): Promise<z.infer<typeof CancelReply>> {
  const instance = await runningInstance(ctx, instanceId)
  try {
    return await callInstance(instance, {
      method: 'POST',
      path: '/pool/cancel',
      json: { claimId },
      timeoutMs: INSTANCE_CALL,
      reply: CancelReply,
    })
  } finally {
    await probeSoon(ctx.db, instanceId)
  }
}

interface InstanceCall<S extends z.ZodType> {
  method: 'POST' | 'PATCH'
  path: string
  json: unknown
  timeoutMs: number
  reply: S
}

async function callInstance<S extends z.ZodType>(
  { url, controlToken }: ReachableInstance,
  { path, ...call }: InstanceCall<S>,
): Promise<z.output<S>> {
  try {
    const { data } = await requestJson(`${url}${path}`, {
      ...call,
      headers: { authorization: `Bearer ${controlToken}` },
      maxBytes: INSTANCE_MAX_BYTES,
    })
    return data
  } catch (err) {
    throw err instanceof HttpError ? instanceProblem(err) : err
  }
}

const InstanceProblem = z.object({ code: z.string(), detail: z.string().nullish() })

/** What an instance may say that means the same to pool. */
const PASSED_ON: Record<string, string> = {
  FOREIGN_CLAIM: 'the instance is bound to another claim',
  NOT_BOUND: 'the instance is bound to no claim',
}

/** The claim itself cannot be carried out, here or elsewhere: not understood, too large, refused. */
const UNACCEPTABLE = [400, 413, 422]
const CLAIM_FAULTS = ['REFUSED', 'CANCELLED']

/** Whose fault a failed call to an instance is; with `claim` another instance would answer the same. */
function instanceProblem(err: HttpError): Problem {
  const said = InstanceProblem.safeParse(err.body).data
  const instanceCode = said?.code ?? null
  const problem = (status: number, code: string, fault: 'claim' | 'instance', detail: string) =>
    new Problem({ status, code, detail, extra: { fault, instanceCode }, cause: err })

  if (err.kind === 'timeout' || err.status === 504)
    return problem(504, 'INSTANCE_TIMEOUT', 'instance', 'the instance did not get done in time')
  const passedOn = instanceCode === null ? undefined : PASSED_ON[instanceCode]
  if (err.status === 409 && instanceCode && passedOn) return problem(409, instanceCode, 'instance', passedOn)
  if (UNACCEPTABLE.includes(err.status ?? 0) || (instanceCode !== null && CLAIM_FAULTS.includes(instanceCode)))
    return problem(422, 'CLAIM_REJECTED', 'claim', said?.detail ?? 'the instance refused the claim')
  return problem(502, 'INSTANCE_FAILED', 'instance', 'the instance failed')
}

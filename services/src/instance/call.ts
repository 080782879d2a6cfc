import { HttpError, inTrace, Problem, requestJson, traceHeaders } from '@convos/kit'
import { z } from 'zod'
import { INSTANCE_MAX_BYTES } from '../limits.ts'
import { isStorable } from './health.ts'

export interface InstanceCall<S extends z.ZodType> {
  method: 'POST' | 'PATCH'
  path: string
  json: unknown
  timeoutMs: number
  reply: S
}

/**
 * One call to an instance with its own control token, which goes to its own address and nowhere else.
 * @throws Problem that says whose fault it is
 */
export function callInstance<S extends z.ZodType>(
  { url, controlToken }: { url: string; controlToken: string },
  { path, ...call }: InstanceCall<S>,
): Promise<z.output<S>> {
  const attributes = { 'http.request.method': call.method, 'http.route': path }
  return inTrace(`instance ${call.method} ${path}`, { kind: 'client', attributes }, async () => {
    try {
      const { data } = await requestJson(`${url}${path}`, {
        ...call,
        headers: { authorization: `Bearer ${controlToken}`, ...traceHeaders() },
        maxBytes: INSTANCE_MAX_BYTES,
      })
      return data
    } catch (err) {
      throw err instanceof HttpError ? instanceProblem(err) : err
    }
  })
}

/** Its words go on to pool and to people: only if they can be kept, and are few. */
const Words = z.string().max(1000).refine(isStorable)
const InstanceProblem = z.object({ code: Words, detail: Words.nullish() })

/** What an instance may say that means the same to pool. */
const PASSED_ON: Record<string, string> = {
  FOREIGN_CLAIM: 'the instance is bound to another claim',
  NOT_BOUND: 'the instance is bound to no claim',
  ENDED: 'the conversation of this claim has ended, and the instance takes no other',
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

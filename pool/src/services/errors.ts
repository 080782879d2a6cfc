import { HttpError } from '@convos/kit'
import { z } from 'zod'

/** Whose doing a failure is: it decides what becomes of the claim and of the box. */
type Fault = 'claim' | 'instance' | 'provider'

const FieldError = z.object({ path: z.string(), message: z.string() })
type FieldError = z.infer<typeof FieldError>

/** A call to services that did not succeed. Branch on `fault` and `code`, never on the text. */
export class ServicesError extends Error {
  override name = 'ServicesError'
  readonly fault: Fault
  /** The `code` services answered, or what kept it from answering: NETWORK, TIMEOUT, BODY. */
  readonly code: string
  readonly status: number | null
  /** What services says about it, fit for the caller of a claim. */
  readonly detail: string | null
  /** Which fields it is about, where services says so. */
  readonly errors: readonly FieldError[]

  constructor(
    message: string,
    p: {
      fault: Fault
      code: string
      status: number | null
      detail: string | null
      errors: readonly FieldError[]
      cause: unknown
    },
  ) {
    super(message, { cause: p.cause })
    this.fault = p.fault
    this.code = p.code
    this.status = p.status
    this.detail = p.detail
    this.errors = p.errors
  }
}

const Refusal = z.object({
  code: z.string().optional(),
  detail: z.string().nullish(),
  fault: z.string().optional(),
  errors: z.array(FieldError).optional(),
})
const isFault = (value: string | undefined): value is Fault => value === 'claim' || value === 'instance' || value === 'provider'

export function toServicesError(err: unknown): ServicesError {
  if (!(err instanceof HttpError)) throw err
  const refusal = Refusal.safeParse(err.body).data ?? {}
  return new ServicesError(err.message, {
    fault: isFault(refusal.fault) ? refusal.fault : faultOf(err.status, refusal.code),
    code: refusal.code ?? (err.status === null ? err.kind.toUpperCase() : `HTTP_${err.status}`),
    status: err.status,
    detail: refusal.detail ?? null,
    errors: refusal.errors ?? [],
    cause: err,
  })
}

/** Where services does not say whose doing it is. No answer is the instance's: the call may have reached it. */
function faultOf(status: number | null, code: string | undefined): Fault {
  if (code === 'ENVIRONMENT_MISMATCH' || status === 401 || status === 403 || status === 429 || status === 503) return 'provider'
  return status === 400 || status === 413 || status === 422 ? 'claim' : 'instance'
}

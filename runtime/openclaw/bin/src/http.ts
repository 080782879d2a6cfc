import { HttpError, requestJson, type RequestOptions } from '@convos/kit/http'
import { z } from 'zod'

/** As our services, AgentMail, Telnyx and Bankr say what is wrong. */
const Refusal = z.object({
  code: z.string().nullish().catch(null),
  detail: z.string().nullish().catch(null),
  message: z.string().nullish().catch(null),
  errors: z
    .array(z.object({ code: z.string().nullish(), detail: z.string().nullish() }))
    .nullish()
    .catch(null),
})

/** Why a call came to nothing, with the callee's own reason where it gave one. `status` is null when no answer came. */
export class CallError extends HttpError {
  override name = 'CallError'

  /** The machine-readable reason. */
  override get code(): string | null {
    const { code, errors } = refusalOf(this)
    return code ?? errors?.[0]?.code ?? null
  }
}

export interface Call<S extends z.ZodType> extends Pick<RequestOptions<S>, 'headers' | 'json' | 'reply'> {
  method?: 'GET' | 'POST' | 'PATCH'
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

const TIMEOUT = 20_000
const REASON_KEPT = 300

/**
 * One call: no redirect, a bounded answer, its shape checked.
 * @throws CallError
 */
export async function call<S extends z.ZodType>(url: string, { signal, ...o }: Call<S>): Promise<z.output<S>> {
  try {
    const { data } = await requestJson(url, { timeoutMs: TIMEOUT, ...o, ...(signal && { signal }) })
    return data
  } catch (err) {
    signal?.throwIfAborted()
    throw err instanceof HttpError ? inWords(err) : err
  }
}

/** The same again when no answer came: only for what the callee recognizes as a repeat. */
export async function callTwice<S extends z.ZodType>(url: string, o: Call<S>): Promise<z.output<S>> {
  try {
    return await call(url, o)
  } catch (err) {
    if (!(err instanceof CallError) || err.status !== null) throw err
    return await call(url, o)
  }
}

function inWords(err: HttpError): CallError {
  const { kind, status, body, retryAfterMs } = err
  const { detail, message, errors } = refusalOf(err)
  const reason = detail ?? message ?? errors?.[0]?.detail
  const p = { kind, body, retryAfterMs, cause: err, ...(status !== null && { status }) }
  return new CallError(`${err.message}${kind === 'status' && reason ? `: ${reason.slice(0, REASON_KEPT)}` : ''}`, p)
}

const refusalOf = ({ body }: HttpError): Partial<z.infer<typeof Refusal>> => Refusal.safeParse(body).data ?? {}

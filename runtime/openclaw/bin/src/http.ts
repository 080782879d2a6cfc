import { z } from 'zod'

/** Why a call came to nothing. `status` is null when no answer came. */
export class CallError extends Error {
  override name = 'CallError'
  readonly kind: 'network' | 'timeout' | 'status' | 'body'
  readonly status: number | null
  /** The machine-readable reason, where the callee gave one. */
  readonly code: string | null
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    p: { kind: CallError['kind']; status?: number; code?: string | null; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, { cause: p.cause })
    this.kind = p.kind
    this.status = p.status ?? null
    this.code = p.code ?? null
    this.retryAfterMs = p.retryAfterMs ?? null
  }
}

export interface Call<S extends z.ZodType> {
  method?: 'GET' | 'POST' | 'PATCH'
  headers?: Record<string, string>
  json?: unknown
  /** The reply's shape; unknown fields are ignored. */
  reply: S
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

const TIMEOUT = 20_000
const MAX_BYTES = 4 * 1024 * 1024

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

/**
 * One call: no redirect, a bounded answer, its shape checked.
 * @throws CallError
 */
export async function call<S extends z.ZodType>(url: string, o: Call<S>): Promise<z.output<S>> {
  const timeout = AbortSignal.timeout(o.timeoutMs ?? TIMEOUT)
  const signal = o.signal ? AbortSignal.any([o.signal, timeout]) : timeout
  const method = o.method ?? 'GET'
  const what = `${method} ${new URL(url).pathname}`
  try {
    const res = await fetch(url, {
      method,
      redirect: 'manual',
      signal,
      headers: { accept: 'application/json', ...(o.json !== undefined && { 'content-type': 'application/json' }), ...o.headers },
      ...(o.json !== undefined && { body: JSON.stringify(o.json) }),
    })
    const body = parseJson(await boundedText(res.body))
    if (!res.ok) throw refused(what, res, body)
    const parsed = o.reply.safeParse(body)
    if (parsed.success) return parsed.data
    throw new CallError(`${what} answered ${res.status} with something unexpected`, { kind: 'body', status: res.status })
  } catch (err) {
    if (err instanceof CallError) throw err
    o.signal?.throwIfAborted()
    if (timeout.aborted) throw new CallError(`${what} did not answer in time`, { kind: 'timeout', cause: err })
    throw new CallError(`${what} could not be reached`, { kind: 'network', cause: err })
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

function refused(what: string, res: Response, body: unknown): CallError {
  const { code, detail, message, errors } = Refusal.safeParse(body).data ?? {}
  const [first] = errors ?? []
  const reason = detail ?? message ?? first?.detail
  return new CallError(`${what} answered ${res.status}${reason ? `: ${reason.slice(0, 300)}` : ''}`, {
    kind: 'status',
    status: res.status,
    code: code ?? first?.code ?? null,
    retryAfterMs: retryAfter(res.headers.get('retry-after')),
  })
}

async function boundedText(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new CallError(`the answer is larger than ${MAX_BYTES} bytes`, { kind: 'body' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const retryAfter = (header: string | null) => (header !== null && /^\d+$/.test(header) ? Number(header) * 1000 : null)

import { z } from 'zod'

/** Why a call to another service or a provider failed. `status` is null when no answer came. */
export class HttpError extends Error {
  override name = 'HttpError'
  readonly kind: 'network' | 'timeout' | 'status' | 'body'
  readonly status: number | null
  /** The parsed JSON of a refusal, where there was one; it may echo secrets, so no log of the error shows it. */
  declare readonly body: unknown
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    p: { kind: HttpError['kind']; status?: number; body?: unknown; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, { cause: p.cause })
    this.kind = p.kind
    this.status = p.status ?? null
    Object.defineProperty(this, 'body', { value: p.body ?? null, enumerable: false })
    this.retryAfterMs = p.retryAfterMs ?? null
  }

  /** The `code` of a problem document, if the callee sent one. */
  get code(): string | null {
    return z.object({ code: z.string() }).safeParse(this.body).data?.code ?? null
  }
}

export interface RequestOptions<S extends z.ZodType> {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  headers?: Record<string, string>
  json?: unknown
  timeoutMs: number
  signal?: AbortSignal
  /** The reply's shape; unknown fields are ignored. */
  reply: S
  /** Statuses besides 2xx whose body is parsed as a reply instead of being a failure. */
  alsoOk?: readonly number[]
  maxBytes?: number
}

/**
 * One call, no retry, no redirect: status first, then a bounded body, then its shape.
 * @throws HttpError
 */
export async function requestJson<S extends z.ZodType>(
  url: string,
  o: RequestOptions<S>,
): Promise<{ status: number; data: z.output<S> }> {
  const timeout = AbortSignal.timeout(Math.max(0, Math.ceil(o.timeoutMs)))
  const signal = o.signal ? AbortSignal.any([o.signal, timeout]) : timeout
  const what = `${o.method ?? 'GET'} ${new URL(url).pathname}`
  try {
    const res = await fetch(url, {
      method: o.method ?? 'GET',
      redirect: 'manual',
      signal,
      headers: {
        accept: 'application/json',
        ...(o.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...o.headers,
      },
      ...(o.json === undefined ? {} : { body: JSON.stringify(o.json) }),
    })
    const text = await boundedText(res.body, o.maxBytes ?? 4 * 1024 * 1024)
    const body = parseJson(text)
    if (!res.ok && !o.alsoOk?.includes(res.status)) {
      throw new HttpError(`${what} answered ${res.status}`, {
        kind: 'status',
        status: res.status,
        body,
        retryAfterMs: retryAfter(res.headers.get('retry-after')),
      })
    }
    const parsed = o.reply.safeParse(body)
    if (!parsed.success) {
      throw new HttpError(`${what} answered ${res.status} with an unexpected body`, {
        kind: 'body',
        status: res.status,
        body,
        cause: parsed.error,
      })
    }
    return { status: res.status, data: parsed.data }
  } catch (err) {
    if (err instanceof HttpError) throw err
    if (timeout.aborted)
      throw new HttpError(`${what} did not answer in ${Math.ceil(o.timeoutMs)} ms`, { kind: 'timeout', cause: err })
    throw new HttpError(`${what} could not be reached`, { kind: 'network', cause: err })
  }
}

async function boundedText(body: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new HttpError(`the body is larger than ${maxBytes} bytes`, { kind: 'body' })
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

function retryAfter(header: string | null): number | null {
  return header !== null && /^\d+$/.test(header) ? Number(header) * 1000 : null
}

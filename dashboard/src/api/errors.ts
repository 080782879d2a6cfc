import { ProblemDocument } from '@convos/pool/contract'

export interface FieldError {
  path: string
  message: string
}

interface ApiErrorParts {
  code: string
  /** Null when no answer came at all. */
  status: number | null
  detail: string | null
  requestId?: string | null
  fields?: FieldError[]
  etaSeconds?: number | null
  queueDepth?: number | null
  retryAfterSeconds?: number | null
  cause?: unknown
}

/** A request that did not succeed. Callers branch on `code` and `status`, never on text. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: string
  readonly status: number | null
  readonly detail: string | null
  readonly requestId: string | null
  readonly fields: FieldError[]
  /** When an agent is expected to be ready, where pool says so. */
  readonly etaSeconds: number | null
  /** How many claims wait for one. */
  readonly queueDepth: number | null
  /** How long we are asked to wait before the next try. */
  readonly retryAfterSeconds: number | null
  /** When it came. */
  readonly at = Date.now()

  constructor(parts: ApiErrorParts) {
    super(parts.detail ?? parts.code, parts.cause === undefined ? {} : { cause: parts.cause })
    this.code = parts.code
    this.status = parts.status
    this.detail = parts.detail
    this.requestId = parts.requestId ?? null
    this.fields = parts.fields ?? []
    this.etaSeconds = parts.etaSeconds ?? null
    this.queueDepth = parts.queueDepth ?? null
    this.retryAfterSeconds = parts.retryAfterSeconds ?? null
  }
}

/** Nobody answered: no network, nobody listening, or the deadline passed. */
export const unreachable = (cause: unknown) => new ApiError({ code: 'UNREACHABLE', status: null, detail: null, cause })

const notInWords = (code: string) => (response: Response, cause: unknown) =>
  new ApiError({
    code,
    status: response.status,
    detail: null,
    requestId: response.headers.get('x-request-id'),
    retryAfterSeconds: retryAfter(response),
    cause,
  })

/** Something answered that does not speak JSON: the page of a proxy, a gateway or a captive network. */
export const foreign = notInWords('FOREIGN_ANSWER')

/** JSON, but not in the contract's words: a pool of another version. */
export const unreadable = notInWords('UNREADABLE')

/** `Retry-After` in seconds; as a date it is left alone. */
function retryAfter(response: Response): number | null {
  const said = response.headers.get('retry-after')
  return said !== null && /^\d+$/.test(said) ? Number(said) : null
}

/** The problem document of a failed answer as an error; a body that is none becomes `UNREADABLE`. */
export function toApiError(response: Response, body: unknown): ApiError {
  const { success, data, error } = ProblemDocument.safeParse(body)
  if (!success) return unreadable(response, error)
  return new ApiError({
    code: data.code,
    status: data.status,
    detail: data.detail,
    requestId: data.requestId,
    fields: data.errors ?? [],
    etaSeconds: numberOf(data['etaSeconds']),
    queueDepth: numberOf(data['queueDepth']),
    retryAfterSeconds: retryAfter(response),
  })
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** The session ended, or there was none; a signature that is not accepted says nothing of it. */
export const isSignedOut = (error: unknown): boolean =>
  error instanceof ApiError && error.status === 401 && error.code !== 'BAD_SIGNATURE'

const NOT_IN_WORDS = ['FOREIGN_ANSWER', 'UNREADABLE']

/** It is not known whether the request took effect: asking again with the same key is the way to find out. */
export const isUndecided = (error: ApiError): boolean =>
  error.code === 'UNREACHABLE' || error.status === 500 || (NOT_IN_WORDS.includes(error.code) && (error.status ?? 0) >= 500)

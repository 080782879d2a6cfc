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
  readonly etaSeconds: number | null

  constructor(parts: ApiErrorParts) {
    super(parts.detail ?? parts.code, parts.cause === undefined ? {} : { cause: parts.cause })
    this.code = parts.code
    this.status = parts.status
    this.detail = parts.detail
    this.requestId = parts.requestId ?? null
    this.fields = parts.fields ?? []
    this.etaSeconds = parts.etaSeconds ?? null
  }
}

/** Nobody answered: no network, nobody listening, or the deadline passed. */
export const unreachable = (cause: unknown) => new ApiError({ code: 'UNREACHABLE', status: null, detail: null, cause })

/** Something answered, but not in the contract's words: a proxy's error page, or a pool of another version. */
export const unreadable = (response: Response, cause: unknown) =>
  new ApiError({
    code: 'UNREADABLE',
    status: response.status,
    detail: null,
    requestId: response.headers.get('x-request-id'),
    cause,
  })

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
    etaSeconds: typeof data.etaSeconds === 'number' ? data.etaSeconds : null,
  })
}

/** The session ended, or there was none. */
export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401

/** It is not known whether the request took effect: asking again with the same key is the way to find out. */
export const isUndecided = (error: ApiError): boolean =>
  error.code === 'UNREACHABLE' || error.status === 500 || (error.code === 'UNREADABLE' && (error.status ?? 0) >= 500)

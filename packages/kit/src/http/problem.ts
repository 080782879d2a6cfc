import { STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { z } from 'zod'
import type { Logger } from '../log.ts'
import { HttpError } from './client.ts'

/** What a failed request answers (RFC 9457), as `application/problem+json`. */
export interface ProblemBody {
  type: string
  title: string
  status: number
  detail: string | null
  code: string
  requestId: string
  errors?: { path: string; message: string }[]
}

export interface ProblemDetails {
  status: number
  /** Stable, upper snake case; callers branch on it. */
  code: string
  detail?: string
  errors?: { path: string; message: string }[]
  headers?: Record<string, string>
  /** Further members of the problem document, e.g. `queueDepth`. */
  extra?: Record<string, unknown>
  cause?: unknown
}

/** An expected failure: it has an answer, and is not logged as an error. */
export class Problem extends Error {
  override name = 'Problem'
  readonly status: number
  readonly code: string
  readonly details: ProblemDetails

  constructor(details: ProblemDetails) {
    super(details.detail ?? details.code, details.cause === undefined ? {} : { cause: details.cause })
    this.status = details.status
    this.code = details.code
    this.details = details
  }
}

/**
 * What a caller sent, in the shape that is asked for; a mismatch is a 400 that lists every field. Only for what a caller sent: a
 * reply or a file of ours that has another shape than expected is no fault of theirs, stays a `ZodError` and becomes a logged 500.
 */
export function parseRequest<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'unknown field' }))
      : [{ path: issue.path.join('.'), message: issue.message }],
  )
  throw new Problem({ status: 400, code: 'INVALID_REQUEST', detail: 'the request does not have the expected shape', errors })
}

/** 404 for a path no route knows. */
export const notFound: RequestHandler = (req) => {
  throw new Problem({ status: 404, code: 'NOT_FOUND', detail: `there is no ${req.method} ${req.path}` })
}

/** The one place where a failure becomes an answer; the unexpected ones are logged here, once. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (err: unknown, req, res, next) => {
    const problem = toProblem(err)
    const requestId = typeof req.id === 'string' ? req.id : ''
    if (problem.status >= 500 && !(err instanceof Problem))
      log.error({ err, requestId, method: req.method, path: req.path }, 'request failed')
    if (res.headersSent) return next(err)
    const { headers = {}, errors, extra, detail } = problem.details
    const body: ProblemBody = {
      type: 'about:blank',
      title: STATUS_CODES[problem.status] ?? 'Error',
      status: problem.status,
      detail: detail ?? null,
      code: problem.code,
      requestId,
      ...(errors ? { errors } : {}),
      ...extra,
    }
    res.status(problem.status).set(headers).type('application/problem+json').send(JSON.stringify(body))
  }
}

function toProblem(err: unknown): Problem {
  if (err instanceof Problem) return err
  // its status is what another service answered us, and none of our caller's business
  if (err instanceof HttpError) return internal()
  // body-parser's errors carry a status and a type
  const { status, type, limit } = err as { status?: unknown; type?: unknown; limit?: unknown }
  if (type === 'entity.too.large')
    return new Problem({ status: 413, code: 'BODY_TOO_LARGE', detail: `the body is larger than ${Number(limit) / 1024} KiB` })
  if (type === 'entity.parse.failed')
    return new Problem({ status: 400, code: 'INVALID_JSON', detail: 'the body is not valid JSON' })
  if (typeof status === 'number' && status >= 400 && status < 500) return new Problem({ status, code: 'INVALID_REQUEST' })
  return internal()
}

const internal = () =>
  new Problem({
    status: 500,
    code: 'INTERNAL',
    detail: 'something went wrong on our side; the request id finds it in the logs',
  })

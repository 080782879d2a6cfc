import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler } from 'express'
import { z } from 'zod'

/** An instance's own refusal. */
class Refusal extends Error {
  override name = 'Refusal'
  readonly status: number
  readonly code: string
  readonly detail: string | null
  /** What is wrong with the body, field by field. */
  readonly errors: { path: string; message: string }[] | null

  constructor(status: number, code: string, detail: string | null = null, errors: Refusal['errors'] = null) {
    super(detail ?? code)
    this.status = status
    this.code = code
    this.detail = detail
    this.errors = errors
  }
}

export const unauthorized = () => new Refusal(401, 'UNAUTHORIZED')
export const foreignClaim = () => new Refusal(409, 'FOREIGN_CLAIM', 'this instance serves another claim')
export const cancelled = () => new Refusal(409, 'CANCELLED', 'this claim was cancelled here')
export const notBound = () => new Refusal(409, 'NOT_BOUND', 'there is no claim whose profile could be changed')
export const notFound = (method: string, path: string) => new Refusal(404, 'NOT_FOUND', `there is no ${method} ${path}`)

/** `application/problem+json`, as every one of our services answers. */
export const answerProblem: ErrorRequestHandler = (error: unknown, req, res, next) => {
  if (res.headersSent) return next(error)
  const { status, code, detail, errors } = refusalOf(error)
  if (status === 401) res.set('www-authenticate', 'Bearer')
  const requestId = req.get('x-request-id') ?? randomUUID()
  const title = STATUS_CODES[status] ?? 'Error'
  const problem = { type: 'about:blank', title, status, detail, code, requestId, ...(errors && { errors }) }
  res.status(status).type('application/problem+json').send(JSON.stringify(problem))
}

const BodyError = z.object({ status: z.int().min(400).max(499), type: z.string() })

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof z.ZodError) {
    const errors = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
    return new Refusal(400, 'INVALID_REQUEST', 'the request does not have the expected shape', errors)
  }
  const unread = BodyError.safeParse(error)
  if (unread.data?.type === 'entity.too.large') return new Refusal(413, 'BODY_TOO_LARGE', 'the body is larger than 256 KiB')
  if (unread.data) return new Refusal(400, 'INVALID_JSON', 'the body is not valid JSON')
  console.error('sandbox: a virtual instance failed:', error)
  return new Refusal(500, 'INTERNAL', 'the virtual instance failed; the console of the sandbox says why')
}

/** What Railway's edge says in place of an instance that is not there (404) or does not answer (502). */
export function answerAsEdge(req: IncomingMessage, res: ServerResponse, status: 404 | 502): void {
  req.resume()
  const message = status === 404 ? 'Application not found' : 'Application failed to respond'
  const body = JSON.stringify({ status: 'error', code: status, message, request_id: randomUUID() })
  res.writeHead(status, { 'content-type': 'application/json', 'x-railway-fallback': 'true' }).end(body)
}

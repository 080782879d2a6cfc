import type { ErrorRequestHandler } from 'express'
import { z } from 'zod'

/** An answer other than success; `code` is what callers branch on. */
class AgentMailError extends Error {
  override name = 'AgentMailError'
  readonly status: number
  readonly body: object
  constructor(status: number, body: { name?: string; code?: string; message: string; [more: string]: unknown }) {
    super(body.message)
    this.status = status
    this.body = body.code ? { ...body, docs: `https://docs.agentmail.to/errors#${body.code}` } : body
  }
}

type Issue = { path: PropertyKey[]; message: string }
const invalid = (errors: Issue[]) =>
  new AgentMailError(400, { name: 'ValidationError', code: 'validation_error', message: 'Invalid request', errors })

export const invalidField = (field: string, message: string) => invalid([{ path: [field], message }])
export const missingAuthorization = () =>
  new AgentMailError(401, {
    name: 'UnauthorizedError',
    code: 'missing_authorization',
    message: 'Missing authorization',
    fix: 'Send the header `Authorization: Bearer <api key>`.',
  })
/** The gateway in front of the API says so about keys it does not know: no name, no code. */
export const unknownKey = () => new AgentMailError(403, { message: 'Forbidden' })
export const missingPermission = (permission: string) =>
  new AgentMailError(403, {
    name: 'ForbiddenError',
    code: 'missing_permission',
    message: 'Forbidden',
    fix: `Use a key with the permission ${permission}.`,
  })
export const permissionEscalation = () =>
  new AgentMailError(403, {
    name: 'ForbiddenError',
    code: 'permission_escalation',
    message: 'A key cannot grant permissions that it does not have',
  })
export const notFound = (what: string) =>
  new AgentMailError(404, { name: 'NotFoundError', code: 'not_found', message: `${what} not found` })
export const addressTaken = () =>
  new AgentMailError(403, { name: 'IsTakenError', code: 'resource_taken', message: 'Inbox is already taken' })
export const domainNotVerified = (domain: string) =>
  new AgentMailError(403, { name: 'ForbiddenError', code: 'domain_not_verified', message: `Domain ${domain} is not verified` })
export const inboxLimitExceeded = (limit: number) =>
  new AgentMailError(403, {
    name: 'LimitExceededError',
    code: 'limit_exceeded',
    message: 'Inbox limit exceeded',
    fix: 'Delete an inbox, or upgrade the plan.',
    upgrade_url: 'https://console.agentmail.to/billing',
    resource: 'inboxes',
    limit,
  })
export const idempotencyConflict = () =>
  new AgentMailError(409, {
    name: 'ConflictError',
    code: 'conflict',
    message: 'This idempotency key was used for another request',
  })

const HttpFault = z.object({ status: z.number().int().min(400).max(499), message: z.string() })

function asAgentMailError(error: unknown): AgentMailError {
  if (error instanceof AgentMailError) return error
  if (error instanceof z.ZodError) return invalid(error.issues.map(({ path, message }) => ({ path, message })))
  const fault = HttpFault.safeParse(error) // the body parser's: malformed or too large
  return fault.success
    ? new AgentMailError(fault.data.status, { name: 'ValidationError', code: 'validation_error', message: fault.data.message })
    : new AgentMailError(500, { name: 'InternalError', code: 'internal_error', message: 'Internal server error' })
}

/** Every failure in AgentMail's shape. */
export const answerError: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error)
  const { status, body } = asAgentMailError(error)
  res.status(status).json(body)
}

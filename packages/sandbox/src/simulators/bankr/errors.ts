import type { ErrorRequestHandler } from 'express'
import { z } from 'zod'
import type { Taken } from '../core/rate-window.ts'

/** An answer other than success: a short word and a sentence, no code. */
class BankrError extends Error {
  override name = 'BankrError'
  readonly status: number
  readonly body: object
  constructor(status: number, error: string, message: string, more: object = {}) {
    super(message)
    this.status = status
    this.body = { error, message, ...more }
  }
}

export const partnerKeyRequired = () => new BankrError(401, 'Unauthorized', 'Partner API key required')
export const partnerKeyInvalid = () => new BankrError(401, 'Unauthorized', 'The provided partner API key is invalid or inactive')
export const authenticationRequired = () =>
  new BankrError(401, 'Authentication required', 'Send a valid API key in the X-API-Key header')
export const addressNotAllowed = () =>
  new BankrError(403, 'IP address not allowed', 'This API key is not valid from your address')
export const invalidRequest = (message: string) => new BankrError(400, 'Invalid request', message)
export const notFound = (what: string) => new BankrError(404, `${what} not found`, `No such ${what.toLowerCase()}`)
export const keyUsed = (wallet: object) =>
  new BankrError(409, 'Idempotency key already used', 'A wallet was created with this idempotencyKey before', wallet)
export const rateLimited = (limit: number, { used, resetAt }: Taken) =>
  new BankrError(429, 'Rate limit exceeded', 'Too many requests, try again later', { resetAt: resetAt.getTime(), limit, used })

const HttpFault = z.object({ status: z.number().int().min(400).max(499), message: z.string() })

function asBankrError(error: unknown): BankrError {
  if (error instanceof BankrError) return error
  if (error instanceof z.ZodError) return invalidRequest(z.prettifyError(error))
  const fault = HttpFault.safeParse(error) // the body parser's: malformed or too large
  return fault.success
    ? new BankrError(fault.data.status, 'Invalid request', fault.data.message)
    : new BankrError(500, 'Internal server error', 'Something went wrong')
}

/** Every failure as `{error, message}`. */
export const answerError: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error)
  const { status, body } = asBankrError(error)
  res.status(status).json(body)
}

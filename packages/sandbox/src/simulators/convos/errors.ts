import type { ErrorRequestHandler } from 'express'
import { z } from 'zod'

const ERRORS = {
  INVALID_REQUEST: 400,
  NOT_A_MEMBER: 403,
  LOCKED: 403,
  INVITE_NOT_FOUND: 404,
  CONVERSATION_NOT_FOUND: 404,
  REQUEST_NOT_FOUND: 404,
  MESSAGE_NOT_FOUND: 404,
  FILE_NOT_FOUND: 404,
  NOT_FOUND: 404,
  ID_TAKEN: 409,
  ENDED: 410,
  TOO_LARGE: 413,
  INTERNAL: 500,
} as const

/** Why the network did not do what it was asked to. */
export class ConvosError extends Error {
  override name = 'ConvosError'
  readonly code: keyof typeof ERRORS
  constructor(code: keyof typeof ERRORS, message: string) {
    super(message)
    this.code = code
  }
}

const HttpFault = z.object({ status: z.number().int().min(400).max(499), message: z.string() })

function asConvosError(error: unknown): ConvosError {
  if (error instanceof ConvosError) return error
  if (error instanceof z.ZodError) return new ConvosError('INVALID_REQUEST', z.prettifyError(error))
  const fault = HttpFault.safeParse(error) // the body parser's: malformed or too large
  if (!fault.success) return new ConvosError('INTERNAL', 'something went wrong')
  return new ConvosError(fault.data.status === 413 ? 'TOO_LARGE' : 'INVALID_REQUEST', fault.data.message)
}

/** Every failure as `{error: {code, message}}`. */
export const answerError: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error)
  const { code, message } = asConvosError(error)
  res.status(ERRORS[code]).json({ error: { code, message } })
}

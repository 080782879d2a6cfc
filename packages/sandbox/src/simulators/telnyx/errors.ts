import type { ErrorRequestHandler } from 'express'
import { z } from 'zod'

interface Fault {
  /** A string, though it looks like a number. */
  code: string
  title: string
  detail?: string
  source?: { pointer?: string; parameter?: string }
}

/** An answer other than success, in Telnyx's words. */
class TelnyxError extends Error {
  override name = 'TelnyxError'
  readonly status: number
  readonly faults: Fault[]
  constructor(status: number, ...faults: Fault[]) {
    super(faults[0]?.title)
    this.status = status
    this.faults = faults
  }
}

const pointer = (name: string) => ({ source: { pointer: `/${name}` } })

export const authenticationFailed = () =>
  new TelnyxError(401, {
    code: '10009',
    title: 'Authentication failed',
    detail: 'The required authentication headers were either invalid or not included in the request.',
  })
export const notFound = () =>
  new TelnyxError(404, {
    code: '10005',
    title: 'Resource not found',
    detail: 'The requested resource or URL could not be found.',
  })
export const tooManyRequests = () =>
  new TelnyxError(429, {
    code: '10011',
    title: 'Too many requests',
    detail: 'You have exceeded the maximum number of allowed requests.',
  })
export const badRequest = (field: string, detail: string) =>
  new TelnyxError(400, { code: '10015', title: 'Bad Request', detail, ...pointer(field) })
export const noSuchAssociation = (field: string) =>
  new TelnyxError(422, { code: '10017', title: 'The associated resource does not exist', ...pointer(field) })
export const inUse = (detail: string) => new TelnyxError(422, { code: '10021', title: 'Resource in use', detail })
export const numberUnavailable = (phoneNumber: string) =>
  new TelnyxError(409, {
    code: '85001',
    title: 'Number unavailable',
    detail: `${phoneNumber} has already been purchased or is no longer available.`,
    ...pointer('phone_numbers'),
  })
export const invalidSender = () =>
  new TelnyxError(400, {
    code: '40305',
    title: "Invalid 'from' address",
    detail: 'It must be a number of yours that is active and belongs to a messaging profile.',
    ...pointer('from'),
  })
export const noContent = () => new TelnyxError(400, { code: '40316', title: 'No content provided', ...pointer('text') })

const HttpFault = z.object({ status: z.number().int().min(400).max(499), message: z.string() })

function asTelnyxError(error: unknown): TelnyxError {
  if (error instanceof TelnyxError) return error
  if (error instanceof z.ZodError) {
    const faults = error.issues.map(({ path, message }) => ({ detail: message, ...pointer(path.join('/')) }))
    return new TelnyxError(400, ...faults.map((fault) => ({ code: '10015', title: 'Bad Request', ...fault })))
  }
  const fault = HttpFault.safeParse(error) // the body parser's: malformed or too large
  return fault.success
    ? new TelnyxError(fault.data.status, { code: '10023', title: 'Invalid JSON', detail: fault.data.message })
    : new TelnyxError(500, { code: '10007', title: 'Unexpected error' })
}

/** Every failure as `{errors: [{code, title, …}]}`. */
export const answerError: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error)
  const { status, faults } = asTelnyxError(error)
  const url = (code: string) => `https://developers.telnyx.com/docs/overview/errors/${code}`
  res.status(status).json({ errors: faults.map((fault) => ({ ...fault, meta: { url: url(fault.code) } })) })
}

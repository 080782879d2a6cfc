import type { ErrorRequestHandler } from 'express'
import { z } from 'zod'

/** An answer other than success, in OpenRouter's words. */
class OpenRouterError extends Error {
  override name = 'OpenRouterError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export const missingAuth = () => new OpenRouterError(401, 'Missing Authentication header')
export const managementOnly = () => new OpenRouterError(403, 'Only management keys can perform this operation')
export const notFound = () => new OpenRouterError(404, 'Resource not found')
/** A key's own cap is a 403; 402 would say that the account is empty. */
export const keyLimitExceeded = (reset: string | null) =>
  new OpenRouterError(403, `Key limit exceeded (${reset ?? 'total'} limit). Manage it using https://openrouter.ai/settings/keys`)

const HttpFault = z.object({ status: z.number().int().min(400).max(499), message: z.string() })

function asOpenRouterError(error: unknown): OpenRouterError {
  if (error instanceof OpenRouterError) return error
  if (error instanceof z.ZodError) return new OpenRouterError(400, 'Invalid request parameters')
  const fault = HttpFault.safeParse(error) // the body parser's: malformed or too large
  return fault.success
    ? new OpenRouterError(fault.data.status, fault.data.message)
    : new OpenRouterError(500, 'Internal Server Error')
}

/** Every failure in OpenRouter's envelope. */
export const answerError: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error)
  const { status, message } = asOpenRouterError(error)
  res.status(status).json({ error: { code: status, message } })
}

import { HttpError, Problem } from '@convos/kit'
import { ServicesError } from './services/errors.ts'

/** What services says about the thing that was asked for, and what it says of a provider that failed. */
const PASSED_ON = [400, 404, 409, 422, 429, 502]

/** What a failed call to services answers to whoever asked for it; what is not the request's or the provider's is 503. */
export async function passedOn<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (err) {
    throw err instanceof ServicesError ? problemOf(err) : err
  }
}

function problemOf(err: ServicesError): Problem {
  const { status, code, detail } = err
  const retryAfterMs = err.cause instanceof HttpError ? err.cause.retryAfterMs : null
  const headers = retryAfterMs === null ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }
  if (status === null || !PASSED_ON.includes(status) || code === 'ENVIRONMENT_MISMATCH' || code === `HTTP_${status}`)
    return new Problem({
      status: 503,
      code: 'SERVICES_UNAVAILABLE',
      detail: 'services could not be asked; try again',
      headers: { 'Retry-After': '5', ...headers },
      cause: err,
    })
  const errors = err.errors.length > 0 ? { errors: [...err.errors] } : {}
  return new Problem({ status, code, detail: detail ?? code, ...errors, headers, cause: err })
}

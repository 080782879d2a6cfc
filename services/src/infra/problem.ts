import { Problem } from '@convos/kit'
import { RATE_LIMIT_DEFAULT_WAIT } from '../limits.ts'
import { ProviderError } from './errors.ts'

/** What a request is answered whose provider failed while it waited; any other failure stays what it is. */
export function asProblem(err: unknown): unknown {
  if (!(err instanceof ProviderError)) return err
  const failed = { detail: err.message, extra: { fault: 'provider' }, cause: err }
  if (err.kind !== 'rate_limited' && err.kind !== 'throttled')
    return new Problem({ status: 502, code: 'PROVIDER_FAILED', ...failed })
  const seconds = Math.ceil((err.retryAfterMs ?? RATE_LIMIT_DEFAULT_WAIT) / 1000)
  return new Problem({ status: 503, code: 'PROVIDER_BUSY', headers: { 'Retry-After': String(seconds) }, ...failed })
}

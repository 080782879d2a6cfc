import { HttpError } from '@convos/kit'
import { fault, inWords, type Seen, unverified } from '@convos/kit/doctor'
import { ProviderError } from '../infra/errors.ts'

/** Whether we were told that we may not, and with which status: what it means is different for each provider. */
export function refusedWith(err: unknown): number | null {
  if (!(err instanceof ProviderError) || err.kind !== 'auth') return null
  return (err.cause instanceof HttpError ? err.cause.status : null) ?? 401
}

/** Why a provider could not be asked, whatever it was to be asked. @throws what is no answer of a provider */
export function whyNot(provider: string, err: unknown): Seen {
  if (!(err instanceof ProviderError)) throw err
  const seen = inWords(err)
  if (err.kind === 'rate_limited') {
    const minutes = Math.ceil((err.retryAfterMs ?? 60_000) / 60_000)
    return fault(
      'PROVIDER_BUDGET',
      `${provider} takes no more requests of ours now: ${seen}`,
      `wait ${minutes} min; then see what asks so much, or have the limit raised`,
    )
  }
  if (err.kind === 'transient')
    return fault(
      'PROVIDER_DOWN',
      `${provider} gives no usable answer: ${seen}`,
      `see ${provider}'s status page, and whether this machine reaches it`,
    )
  return unverified('PROVIDER', `${provider} refused a question: ${seen}`, 'look at what it says')
}

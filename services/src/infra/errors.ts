/** What a provider's refusal means for whoever asked. */
export type ProviderErrorKind =
  /** "Not so quickly": nothing was done; neither an attempt nor a failure. */
  | 'throttled'
  /** Too many requests: nothing was done; wait. */
  | 'rate_limited'
  /** Not there, or not there yet: reads lag behind creations. */
  | 'not_found'
  | 'conflict'
  | 'auth'
  /** Worth another try. */
  | 'transient'
  /** Will be refused again. */
  | 'permanent'

export class ProviderError extends Error {
  override name = 'ProviderError'
  readonly provider: string
  readonly operation: string
  readonly kind: ProviderErrorKind
  /** The call may have taken effect all the same. */
  readonly uncertain: boolean
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    p: {
      provider: string
      operation: string
      kind: ProviderErrorKind
      uncertain: boolean
      retryAfterMs?: number | null
      cause?: unknown
    },
  ) {
    super(`${p.provider} ${p.operation}: ${message}`, { cause: p.cause })
    this.provider = p.provider
    this.operation = p.operation
    this.kind = p.kind
    this.uncertain = p.uncertain
    this.retryAfterMs = p.retryAfterMs ?? null
  }
}

/** Whether a failed call was refused in one of these ways. */
export const isKind = (err: unknown, ...kinds: ProviderErrorKind[]): boolean =>
  err instanceof ProviderError && kinds.includes(err.kind)

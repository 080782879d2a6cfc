import type { ProviderName } from './providers.ts'

/** Whom a request was for: a provider, or an instance (virtual ones tell, all but what is asked of their health). */
export type Asked = ProviderName | 'instances'

export interface RequestEntry {
  provider: Asked
  /** GraphQL only. */
  operation?: string
  method: string
  path: string
  /** Real time, so that a caller's own clock can be used as `since`. */
  at: string
  /** `null` while it is being answered, and for ever when the answer was lost. */
  status: number | null
}

export interface RequestLog {
  /** Notes a request as it arrives; its status is filled in by whoever answers it. */
  open(entry: Omit<RequestEntry, 'at' | 'status'>): RequestEntry
  list(filter: { provider?: Asked | undefined; since?: Date | undefined }): RequestEntry[]
  clear(): void
}

/** The newest `capacity` requests: a sandbox that runs for weeks must not grow without bound. */
export function requestLog(capacity = 50_000): RequestLog {
  let entries: RequestEntry[] = []
  return {
    open(request) {
      const entry: RequestEntry = { ...request, at: new Date().toISOString(), status: null }
      entries.push(entry)
      if (entries.length > capacity * 1.1) entries = entries.slice(-capacity)
      return entry
    },
    list: ({ provider, since }) =>
      entries.filter((e) => (!provider || e.provider === provider) && (!since || new Date(e.at) >= since)),
    clear: () => void (entries = []),
  }
}

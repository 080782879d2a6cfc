import { randomUUID } from 'node:crypto'
import type { SimClock } from '../core/clock.ts'

const LIFETIME_MS = 300_000

export interface TokenStore {
  /** An anonymous token that may pull from one repository, or from none. */
  issue(repository: string | null): string
  /** The repository a live token is for; `undefined` when the token is not one. */
  repositoryOf(token: string | undefined): string | null | undefined
}

export function tokenStore(clock: SimClock): TokenStore {
  const tokens = new Map<string, { repository: string | null; expiresAt: number }>()
  return {
    issue(repository) {
      const now = clock.now().getTime()
      for (const [token, { expiresAt }] of tokens) if (expiresAt <= now) tokens.delete(token)
      const token = randomUUID()
      tokens.set(token, { repository, expiresAt: now + LIFETIME_MS })
      return token
    },
    repositoryOf(token) {
      const found = token === undefined ? undefined : tokens.get(token)
      return found && found.expiresAt > clock.now().getTime() ? found.repository : undefined
    },
  }
}

import type { Principal } from '../auth.ts'

/** Who asked for an operation, and in which request. */
export interface Who {
  actor: string
  requestId: string
}

export const whoIs = (principal: Principal, requestId: string): Who => ({ actor: principal.id, requestId })

import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { missingAuthorization, missingPermission, notFound, unknownKey } from './errors.ts'
import type { Inbox, InboxKey, Permission } from './model.ts'
import type { MailStore } from './store.ts'

/** The organization's key may do everything, an inbox's key what it was given, within its inbox. */
export type Caller = { kind: 'organization' } | { kind: 'inbox'; key: InboxKey }

export const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

export type Callers = ReturnType<typeof createCallers>

/** Who asks, and what they may reach. Without `apiKey`, any bearer that was never issued for an inbox is the organization's. */
export function createCallers(parts: { store: MailStore; now: () => Date; apiKey: string | undefined }) {
  const { store, now, apiKey } = parts

  function callerOf(req: Request): Caller {
    // The scheme is case-sensitive there.
    const bearer = /^Bearer (\S+)$/.exec(req.get('authorization') ?? '')?.[1]
    if (!bearer) throw missingAuthorization()
    const hash = hashOf(bearer)
    const key = store.keyBySecret(hash)
    if (key) return { kind: 'inbox', key: store.touchKey(key, now().toISOString()) }
    const isOrganization = apiKey === undefined ? !store.wasRevoked(hash) : bearer === apiKey
    if (!isOrganization) throw unknownKey()
    return { kind: 'organization' }
  }
  const may = (caller: Caller, permission: Permission) =>
    caller.kind === 'organization' || caller.key.permissions === undefined || caller.key.permissions[permission] === true

  return {
    /** The caller, if the key has this permission. */
    allowed(req: Request, permission: Permission): Caller {
      const caller = callerOf(req)
      if (!may(caller, permission)) throw missingPermission(permission)
      return caller
    },

    /** The caller, if it speaks for the whole organization. */
    organization(req: Request, permission: string) {
      if (callerOf(req).kind !== 'organization') throw missingPermission(permission)
    },

    /** The inbox in the path; one that the key does not reach is as if it did not exist. */
    inboxFor(req: Request<{ inboxId: string }>, permission: Permission): Inbox {
      const caller = this.allowed(req, permission)
      const inbox = store.inbox(req.params.inboxId)
      if (!inbox || (caller.kind === 'inbox' && caller.key.inbox_id !== inbox.inbox_id)) throw notFound('Inbox')
      return inbox
    },
  }
}

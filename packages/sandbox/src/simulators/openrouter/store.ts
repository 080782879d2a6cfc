import { z } from 'zod'
import { managementOnly, missingAuth } from './errors.ts'
import { hashOf, isUsable, KeyRecord, usd } from './keys.ts'

const State = z.object({ keys: z.array(KeyRecord), deleted: z.array(z.string()), accountUsage: z.number() })

export type Caller = { kind: 'management' } | { kind: 'key'; key: KeyRecord }

export type KeyStore = ReturnType<typeof createKeyStore>

/** All keys of the account, in the order of their creation, and who a bearer token belongs to. */
export function createKeyStore(options: { now: () => Date; managementKey?: string | undefined }) {
  const keys = new Map<string, KeyRecord>()
  /** Without this a deleted key would be an unknown bearer, and those pass as management keys. */
  const deleted = new Set<string>()
  let accountUsage = 0

  function callerOf(authorization: string | undefined): Caller {
    const bearer = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
    if (!bearer) throw missingAuth()
    const hash = hashOf(bearer)
    const key = keys.get(hash)
    if (key && isUsable(key, options.now())) return { kind: 'key', key }
    const isManagement = options.managementKey === undefined ? !key && !deleted.has(hash) : bearer === options.managementKey
    if (!isManagement) throw missingAuth()
    return { kind: 'management' }
  }

  return {
    callerOf,

    /** Refuses everyone but the holder of a management key. */
    requireManagement(authorization: string | undefined) {
      if (callerOf(authorization).kind !== 'management') throw managementOnly()
    },

    /** The ordinary key that a request is paid with; management keys cannot buy completions. */
    requireKey(authorization: string | undefined): KeyRecord {
      const caller = callerOf(authorization)
      if (caller.kind !== 'key') throw missingAuth()
      return caller.key
    },

    newestFirst: () => [...keys.values()].toReversed(),
    find: (hash: string) => keys.get(hash),
    put: (key: KeyRecord) => void keys.set(key.hash, key),
    remove(hash: string): boolean {
      const existed = keys.delete(hash)
      if (existed) deleted.add(hash)
      return existed
    },

    accountUsage: () => accountUsage,
    addAccountUsage: (cost: number) => void (accountUsage = usd(accountUsage + cost)),

    dump: (): z.infer<typeof State> => ({ keys: [...keys.values()], deleted: [...deleted], accountUsage }),
    load(state: unknown) {
      const saved = State.parse(state)
      this.reset()
      for (const key of saved.keys) keys.set(key.hash, key)
      for (const hash of saved.deleted) deleted.add(hash)
      accountUsage = saved.accountUsage
    },
    reset() {
      keys.clear()
      deleted.clear()
      accountUsage = 0
    },
  }
}

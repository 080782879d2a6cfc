import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { InboxId } from '../simulators/convos/model.ts'

const Identity = z.object({
  id: z.string(),
  inboxId: InboxId,
  address: z.string(),
  label: z.string(),
  profileName: z.string(),
  createdAt: z.string(),
})
export type Identity = z.infer<typeof Identity>

const Delivered = z.object({ cursor: z.number() })

export type Home = ReturnType<typeof openHome>

/** What outlives a process: one identity, and per conversation how far its log has been delivered. */
export function openHome(folder: string) {
  const identityFile = join(folder, 'identity.json')
  const deliveredFile = (conversationId: string) => join(folder, 'conversations', `${conversationId}.json`)

  const identity = () => readJson(identityFile, Identity)

  return {
    identity,

    /** The identity, made now if there is none; of two processes that make one at once, one wins for both. */
    ensureIdentity(p: { label?: string | undefined; profileName?: string | undefined } = {}): {
      identity: Identity
      created: boolean
    } {
      const existing = identity()
      if (existing) return { identity: existing, created: false }
      const fresh: Identity = {
        id: randomBytes(8).toString('hex'),
        inboxId: randomBytes(32).toString('hex'),
        address: `0x${randomBytes(20).toString('hex')}`,
        label: p.label ?? 'default',
        profileName: p.profileName ?? 'Agent',
        createdAt: new Date().toISOString(),
      }
      mkdirSync(folder, { recursive: true })
      const created = withTemporary(identityFile, fresh, (temporary) => linkUnlessThere(temporary, identityFile))
      return { identity: created ? fresh : (identity() ?? fresh), created }
    },

    delivered: (conversationId: string): number | null => readJson(deliveredFile(conversationId), Delivered)?.cursor ?? null,

    saveDelivered(conversationId: string, cursor: number) {
      mkdirSync(join(folder, 'conversations'), { recursive: true })
      const file = deliveredFile(conversationId)
      withTemporary(file, { cursor }, (temporary) => renameSync(temporary, file))
    },
  }
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | null {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
  return schema.parse(JSON.parse(content))
}

/** Writes beside the file first: whoever is killed halfway leaves the old one whole. */
function withTemporary<T>(file: string, content: object, place: (temporary: string) => T): T {
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, JSON.stringify(content), { mode: 0o600 })
  try {
    return place(temporary)
  } finally {
    rmSync(temporary, { force: true })
  }
}

function linkUnlessThere(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  }
}

const isErrno = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code

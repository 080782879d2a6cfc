import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'

export const DEFAULT_WORKSPACE = '0df9e665-d932-5740-b2c7-b52af166bc11'

const RESETS = ['daily', 'weekly', 'monthly'] as const
export type Reset = (typeof RESETS)[number]

/** What was spent in the period that began at `start`; worth nothing once another period has begun. */
const Spent = z.object({ start: z.string(), usd: z.number() })

/** One issued key, as it is kept: its secret only as a hash. */
export const KeyRecord = z.object({
  hash: z.string(),
  label: z.string(),
  name: z.string(),
  disabled: z.boolean(),
  limit: z.number().nullable(),
  limitReset: z.enum(RESETS).nullable(),
  includeByokInLimit: z.boolean(),
  expiresAt: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string().nullable(),
  creatorUserId: z.string().nullable(),
  workspaceId: z.string(),
  externalUser: z.string().nullable(),
  usage: z.number(),
  spent: z.record(z.enum(RESETS), Spent),
})
export type KeyRecord = z.infer<typeof KeyRecord>

/** The API refuses minute precision and any zone but UTC. */
const UtcInstant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/)

export const CreateKey = z.object({
  name: z.string().min(1),
  limit: z.number().min(0).nullish(),
  limit_reset: z.enum(RESETS).nullish(),
  include_byok_in_limit: z.boolean().default(false),
  expires_at: UtcInstant.nullish(),
  creator_user_id: z.string().min(1).nullish(),
  workspace_id: z.uuid().default(DEFAULT_WORKSPACE),
  external: z.object({ user: z.string() }).optional(),
})

export const UpdateKey = z.object({
  name: z.string().min(1).optional(),
  disabled: z.boolean().optional(),
  limit: z.number().min(0).nullish(),
  limit_reset: z.enum(RESETS).nullish(),
  include_byok_in_limit: z.boolean().optional(),
})

/** The identifier under which a key is managed. */
export const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

/** A new key and its secret, which is told once and never kept. */
export function issueKey(body: z.infer<typeof CreateKey>, now: Date): { record: KeyRecord; secret: string } {
  const secret = `sk-or-v1-${randomBytes(32).toString('hex')}`
  const record: KeyRecord = {
    hash: hashOf(secret),
    label: `${secret.slice(0, 12)}...${secret.slice(-4)}`,
    name: body.name,
    disabled: false,
    limit: body.limit ?? null,
    limitReset: body.limit_reset ?? null,
    includeByokInLimit: body.include_byok_in_limit,
    expiresAt: body.expires_at ?? null,
    createdAt: now.toISOString(),
    updatedAt: null,
    creatorUserId: body.creator_user_id ?? null,
    workspaceId: body.workspace_id,
    externalUser: body.external?.user ?? null,
    usage: 0,
    spent: { daily: nothing, weekly: nothing, monthly: nothing },
  }
  return { record, secret }
}
const nothing = { start: '', usd: 0 }

/** The key after a PATCH: absent fields stay, `null` lifts a limit or a reset. */
export function updateKey(key: KeyRecord, body: z.infer<typeof UpdateKey>, now: Date): KeyRecord {
  return {
    ...key,
    name: body.name ?? key.name,
    disabled: body.disabled ?? key.disabled,
    limit: body.limit === undefined ? key.limit : body.limit,
    limitReset: body.limit_reset === undefined ? key.limitReset : body.limit_reset,
    includeByokInLimit: body.include_byok_in_limit ?? key.includeByokInLimit,
    updatedAt: now.toISOString(),
  }
}

/** Midnight UTC of the day, of the week's Monday, or of the month's first day. */
export function periodStart(reset: Reset, now: Date): string {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  const daysSinceMonday = (now.getUTCDay() + 6) % 7
  const first = { daily: day, weekly: day - daysSinceMonday, monthly: 1 }[reset]
  return new Date(Date.UTC(year, month, first)).toISOString()
}

function spentIn(key: KeyRecord, reset: Reset, now: Date): number {
  const spent = key.spent[reset]
  return spent.start === periodStart(reset, now) ? spent.usd : 0
}

/** What the key may still spend, or `null` when it has no limit. */
export function remaining(key: KeyRecord, now: Date): number | null {
  if (key.limit === null) return null
  return Math.max(0, usd(key.limit - (key.limitReset ? spentIn(key, key.limitReset, now) : key.usage)))
}

/** The key after a request that cost `cost`. */
export function charge(key: KeyRecord, cost: number, now: Date): KeyRecord {
  const spent = (reset: Reset) => ({ start: periodStart(reset, now), usd: usd(spentIn(key, reset, now) + cost) })
  return {
    ...key,
    usage: usd(key.usage + cost),
    spent: { daily: spent('daily'), weekly: spent('weekly'), monthly: spent('monthly') },
  }
}

/** Money to the millionth of a dollar: sums of fractions stay readable. */
export const usd = (amount: number) => Math.round(amount * 1e6) / 1e6

/** Whether requests with this key are answered. */
export function isUsable(key: KeyRecord, now: Date): boolean {
  return !key.disabled && (key.expiresAt === null || new Date(key.expiresAt) > now)
}

/** What both the management answers and a key's own view of itself say. */
export function presentUsage(key: KeyRecord, now: Date) {
  return {
    label: key.label,
    limit: key.limit,
    limit_remaining: remaining(key, now),
    limit_reset: key.limitReset,
    include_byok_in_limit: key.includeByokInLimit,
    usage: key.usage,
    usage_daily: spentIn(key, 'daily', now),
    usage_weekly: spentIn(key, 'weekly', now),
    usage_monthly: spentIn(key, 'monthly', now),
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
    creator_user_id: key.creatorUserId,
    workspace_id: key.workspaceId,
    expires_at: apiTime(key.expiresAt),
  }
}

/** A key as the management endpoints show it. */
export function presentKey(key: KeyRecord, now: Date) {
  return {
    hash: key.hash,
    name: key.name,
    disabled: key.disabled,
    ...presentUsage(key, now),
    created_at: apiTime(key.createdAt),
    updated_at: apiTime(key.updatedAt),
    external_user: key.externalUser,
  }
}

/** The real service writes microseconds and `+00:00`; readers that only know `Z` should find out here. */
const apiTime = (iso: string | null) => iso && new Date(iso).toISOString().replace('Z', '000+00:00')

import type { Queryable } from '@convos/kit'
import type { SettingsPatch, SettingsValues } from '../contract/index.ts'

export type Settings = SettingsValues & {
  /** Those that an operator has set since the first start. */
  edited: (keyof SettingsValues)[]
}

interface SettingsRow {
  paused: boolean
  min_idle: number
  max_total: number | null
  max_age_hours: number | null
  stuck_timeout_ms: number
  pending_timeout_ms: string
  edited: (keyof SettingsValues)[]
}

const COLUMNS = 'paused, min_idle, max_total, max_age_hours, stuck_timeout_ms, pending_timeout_ms, edited'

function toSettings(row: SettingsRow | undefined): Settings {
  if (!row) throw new Error('the settings row is missing')
  return {
    paused: row.paused,
    minIdle: row.min_idle,
    maxTotal: row.max_total,
    maxAgeHours: row.max_age_hours,
    stuckTimeoutMs: row.stuck_timeout_ms,
    pendingTimeoutMs: Number(row.pending_timeout_ms),
    edited: row.edited,
  }
}

export async function readSettings(db: Queryable): Promise<Settings> {
  const { rows } = await db.query<SettingsRow>({ name: 'read_settings', text: `select ${COLUMNS} from settings` })
  return toSettings(rows[0])
}

/** Reads the settings and holds them: within this transaction nobody else adds instances. Count in a statement of its own. */
export async function holdSettings(tx: Queryable): Promise<Settings> {
  const { rows } = await tx.query<SettingsRow>({ name: 'hold_settings', text: `select ${COLUMNS} from settings for update` })
  return toSettings(rows[0])
}

/** What the environment says, the first time a pool starts on this database; later starts change nothing. */
export async function seedSettings(db: Queryable, p: Omit<SettingsValues, 'paused'>): Promise<void> {
  await db.query({
    name: 'seed_settings',
    values: [p.minIdle, p.maxTotal, p.maxAgeHours, p.stuckTimeoutMs, p.pendingTimeoutMs],
    text: `
      update settings set min_idle = $1, max_total = $2, max_age_hours = $3, stuck_timeout_ms = $4, pending_timeout_ms = $5,
        seeded_at = clock_now()
      where seeded_at is null`,
  })
}

/** Sets what is given, and notes who changed what. */
export async function changeSettings(
  db: Queryable,
  p: { change: SettingsPatch; actor: string; requestId: string | null },
): Promise<void> {
  const { change } = p
  const given = (name: keyof SettingsValues) => change[name] !== undefined
  await db.query({
    name: 'change_settings',
    values: [
      change.paused ?? null,
      change.minIdle ?? null,
      given('maxTotal'),
      change.maxTotal ?? null,
      given('maxAgeHours'),
      change.maxAgeHours ?? null,
      change.stuckTimeoutMs ?? null,
      change.pendingTimeoutMs ?? null,
      Object.keys(change).filter((name) => given(name as keyof SettingsValues)),
      JSON.stringify(change),
      p.actor,
      p.requestId,
    ],
    text: `
      with changed as (
        update settings set paused = coalesce($1, paused), min_idle = coalesce($2, min_idle),
          max_total = case when $3 then $4 else max_total end, max_age_hours = case when $5 then $6 else max_age_hours end,
          stuck_timeout_ms = coalesce($7, stuck_timeout_ms), pending_timeout_ms = coalesce($8, pending_timeout_ms),
          edited = array(select distinct unnest(edited || $9::text[]) order by 1)
        returning one_row
      )
      insert into instance_events (type, actor, request_id, detail) select 'settings_changed', $11, $12, $10::jsonb from changed`,
  })
}

/** The key of this deployment's HMACs where none is configured. */
export async function readSecret(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ secret: string }>({ name: 'read_secret', text: 'select secret from settings' })
  if (!rows[0]) throw new Error('the settings row is missing')
  return rows[0].secret
}

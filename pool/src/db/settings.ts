import type { Queryable } from '@convos/kit'

export interface Settings {
  paused: boolean
}

export async function readSettings(db: Queryable): Promise<Settings> {
  const { rows } = await db.query<Settings>({ name: 'read_settings', text: 'select paused from settings' })
  return rows[0] ?? { paused: false }
}

/** Reads the settings and holds them: within this transaction nobody else adds instances. Count in a statement of its own. */
export async function holdSettings(tx: Queryable): Promise<Settings> {
  const { rows } = await tx.query<Settings>({ name: 'hold_settings', text: 'select paused from settings for update' })
  return rows[0] ?? { paused: false }
}

export async function setPaused(db: Queryable, paused: boolean): Promise<void> {
  await db.query({ name: 'set_paused', values: [paused], text: 'update settings set paused = $1' })
}

/** The key of this deployment's HMACs where none is configured. */
export async function readSecret(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ secret: string }>({ name: 'read_secret', text: 'select secret from settings' })
  if (!rows[0]) throw new Error('the settings row is missing')
  return rows[0].secret
}

/** `unverified`: nothing can be said of it from here, or before something else is mended. */
export type Level = 'ok' | 'warning' | 'fault' | 'unverified'

/** What one look showed. */
export interface Seen {
  level: Level
  /** Stable, upper snake case: scripts branch on it. */
  code: string
  /** In words for people; holds no secret. */
  seen: string
  /** What to do about it; null where there is nothing to do. */
  todo: string | null
}

export interface Finding extends Seen {
  /** The check that saw it, e.g. `database`. */
  about: string
}

export const ok = (code: string, seen: string): Seen => ({ level: 'ok', code, seen, todo: null })
export const warning = (code: string, seen: string, todo: string): Seen => ({ level: 'warning', code, seen, todo })
export const fault = (code: string, seen: string, todo: string): Seen => ({ level: 'fault', code, seen, todo })
export const unverified = (code: string, seen: string, todo: string | null = null): Seen => ({
  level: 'unverified',
  code,
  seen,
  todo,
})

import type { ApiKey, InstanceEvent } from '@convos/pool/contract'
import { type Told, tell } from '../fleet/panel/timeline.ts'
import { formatMoment, formatNumber, plural, shortDigest } from '../ui/format.ts'

const MINUTE = 60_000

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const number = (value: unknown): string => (typeof value === 'number' ? formatNumber(value) : 'none')
const minutes = (value: unknown): string => (typeof value === 'number' ? plural(value / MINUTE, 'minute') : 'none')

/** How each setting reads once it has been changed. */
const SETTINGS: Record<string, (value: unknown) => string> = {
  paused: (value) => (value === true ? 'refill paused' : 'refill resumed'),
  minIdle: (value) => `target ${number(value)}`,
  maxTotal: (value) => `cap ${number(value)}`,
  maxAgeHours: (value) => `longest age ${typeof value === 'number' ? plural(value, 'hour') : 'none'}`,
  stuckTimeoutMs: (value) => `time to become ready ${minutes(value)}`,
  pendingTimeoutMs: (value) => `time to be let in ${minutes(value)}`,
}

type Detail = NonNullable<InstanceEvent['detail']>

const changes = (detail: Detail): string =>
  Object.entries(detail)
    .map(([name, value]) => SETTINGS[name]?.(value) ?? name)
    .join(', ')

const image = ({ image: name }: Detail): string => shortDigest(text(name) ?? 'an image')
const key = ({ name, role }: Detail): string => `“${text(name) ?? '?'}”${text(role) === null ? '' : `, ${text(role)}`}`
const failures = ({ failures: n }: Detail): string => (typeof n === 'number' && n > 0 ? ` after ${plural(n, 'failure')}` : '')

/** What happened where no instance says it by itself. */
const WORDS: Record<string, (detail: Detail) => string> = {
  settings_changed: (detail) => `Settings changed: ${changes(detail)}`,
  key_created: (detail) => `Key ${key(detail)}, made`,
  key_revoked: (detail) => `Key ${key(detail)}, revoked`,
  image_wanted: (detail) => `Image ${image(detail)} is wanted`,
  image_trusted: (detail) => `Image ${image(detail)} proved itself`,
  breaker_opened: (detail) => `Breaker of image ${image(detail)} opened${failures(detail)}`,
  breaker_closed: (detail) => `Breaker of image ${image(detail)} closed`,
  operation_begun: (detail) => `Operation begun: ${text(detail['kind']) ?? 'unknown'}`,
  operation_stopped: (detail) => `Operation stopped: ${text(detail['kind']) ?? 'unknown'}`,
  operation_item_done: (detail) => `Operation done: ${text(detail['kind']) ?? 'unknown'}`,
  operation_item_failed: (detail) => `Operation failed: ${text(detail['kind']) ?? 'unknown'}`,
  expires_at_set: ({ expiresAt }) =>
    text(expiresAt) === null ? 'Never ends by itself any more' : `Ends at ${formatMoment(Date.parse(String(expiresAt)))}`,
}

/** One event as a sentence of its own. */
export function say(event: InstanceEvent): Pick<Told, 'what' | 'cause' | 'move'> {
  const { what, cause, move } = tell(event)
  return {
    what: WORDS[event.type]?.(event.detail ?? {}) ?? (event.instanceId === null ? withoutOwner(what) : what),
    // the kind of an operation is in its sentence
    cause: event.type === 'operation_begun' ? null : cause,
    move,
  }
}

/** "Its claim failed" → "A claim failed": no instance stands beside it. */
const withoutOwner = (what: string): string => what.replace(/^Its claim/, 'A claim')

/** Who acts, as people call it; `keys` are those that are known. */
export function actorName(actor: string, keys: readonly Pick<ApiKey, 'id' | 'name'>[] | undefined): string {
  if (actor === 'pool') return 'the pool itself'
  if (actor === 'key:pool') return "the pool's own key"
  return keys?.find(({ id }) => actor === `key:${id}`)?.name ?? actor
}

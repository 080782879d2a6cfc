/** The types of events that this page knows, by what they are about; each is in one group. A pool may know others. */
export const GROUPS = {
  Trouble: [
    'creation_failed',
    'stuck',
    'crashed',
    'foreign_claim',
    'gone',
    'auto_destroy',
    'tainted',
    'claim_failed',
    'operation_item_failed',
    'breaker_opened',
  ],
  Claims: [
    'claim_queued',
    'reserved',
    'touched',
    'pending',
    'admitted',
    'claimed',
    'withdrawn',
    'released',
    'claim_cancelled',
    'claim_ended',
  ],
  Instances: ['created', 'ready', 'observed', 'recovered', 'expired', 'aged_out', 'rolled_out', 'restored', 'removed'],
  Operators: [
    'drain',
    'kill',
    'dismiss',
    'redeploy',
    'protected',
    'unprotected',
    'expires_at_set',
    'expiry_dropped',
    'adopted',
    'forgotten',
    'operation_begun',
    'operation_stopped',
    'operation_item_done',
    'settings_changed',
    'key_created',
    'key_revoked',
  ],
  Images: ['image_wanted', 'image_trusted', 'breaker_closed'],
} as const satisfies Record<string, readonly string[]>

export type Group = keyof typeof GROUPS
export const GROUP_NAMES = Object.keys(GROUPS) as Group[]

/** How much of a group is chosen. */
export function chosenOf(group: Group, types: readonly string[]): 'all' | 'some' | 'none' {
  const count = GROUPS[group].filter((type) => types.includes(type)).length
  return count === 0 ? 'none' : count === GROUPS[group].length ? 'all' : 'some'
}

/** With the whole group, or without any of it where it was there already. */
export function withGroup(types: readonly string[], group: Group): string[] {
  const rest = types.filter((type) => !(GROUPS[group] as readonly string[]).includes(type))
  return chosenOf(group, types) === 'all' ? rest : [...rest, ...GROUPS[group]]
}

/** `creation_failed` → "creation failed". */
export const typeName = (type: string): string => type.replaceAll('_', ' ')

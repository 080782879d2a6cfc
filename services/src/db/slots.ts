import type { Queryable } from '@convos/kit'

export interface Slot {
  name: string
  holder: string
}

/**
 * Takes the slot until `ms` from now, so that nobody else has it while a call runs.
 * @returns null when it was taken, else how long to wait for it
 */
export async function takeSlot(db: Queryable, p: Slot & { ms: number }): Promise<number | null> {
  const taken = await db.query({
    name: 'take_slot',
    values: [p.name, p.holder, p.ms],
    text: `
      insert into provider_slots (name, holder, next_at) values ($1, $2, clock_now() + $3 * interval '1 ms')
      on conflict (name) do update set holder = excluded.holder, next_at = excluded.next_at
        where provider_slots.next_at <= clock_now()`,
  })
  if (taken.rowCount === 1) return null
  const { rows } = await db.query<{ waitMs: number }>({
    name: 'slot_wait',
    values: [p.name],
    text: `
      select greatest(1, extract(epoch from next_at - clock_now()) * 1000)::float8 as "waitMs"
      from provider_slots where name = $1`,
  })
  return rows[0]?.waitMs ?? 1
}

/** The call has ended: the slot is free `ms` from now. */
export async function freeSlot(db: Queryable, p: Slot & { ms: number }): Promise<void> {
  await db.query({
    name: 'free_slot',
    values: [p.name, p.holder, p.ms],
    text: `update provider_slots set next_at = clock_now() + $3 * interval '1 ms' where name = $1 and holder = $2`,
  })
}

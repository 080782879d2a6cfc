import type { Queryable } from '@convos/kit'

/** `tick`: a full look at the fleet was completed. `services`: services answered. On whichever replica. */
type Heartbeat = 'tick' | 'services'

/** Notes that it last happened `agoMs` ago; a later note of another replica stays. */
export async function beat(db: Queryable, p: { name: Heartbeat; agoMs: number }): Promise<void> {
  await db.query({
    name: 'beat',
    values: [p.name, p.agoMs],
    text: `
      insert into heartbeats (name, at) values ($1, clock_now() - $2::float8 * interval '1 ms')
      on conflict (name) do update set at = greatest(heartbeats.at, excluded.at)`,
  })
}

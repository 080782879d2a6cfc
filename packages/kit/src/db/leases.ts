import type { Queryable } from './connection.ts'

/** Takes or renews the named lease for `ms`; false when another holder has it. */
export async function acquireLease(db: Queryable, p: { name: string; holder: string; ms: number }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'acquire_lease',
    values: [p.name, p.holder, p.ms],
    text: `
      insert into leases (name, holder, until) values ($1, $2, clock_now() + $3 * interval '1 ms')
      on conflict (name) do update set holder = excluded.holder, until = excluded.until
        where leases.holder = excluded.holder or leases.until <= clock_now()`,
  })
  return rowCount === 1
}

/** Gives the lease back early, if it is still this holder's. */
export async function releaseLease(db: Queryable, p: { name: string; holder: string }): Promise<void> {
  await db.query({
    name: 'release_lease',
    values: [p.name, p.holder],
    text: 'delete from leases where name = $1 and holder = $2',
  })
}

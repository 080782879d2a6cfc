import type { Queryable } from '@convos/kit'

export interface WantedImage {
  digest: string | null
  resolvedAt: Date | null
}

/** What the tag was last seen to mean. */
export async function readImage(db: Queryable, ref: string): Promise<WantedImage> {
  const { rows } = await db.query<WantedImage>({
    name: 'read_image',
    values: [ref],
    text: 'select digest, resolved_at as "resolvedAt" from wanted_images where ref = $1',
  })
  return rows[0] ?? { digest: null, resolvedAt: null }
}

/** True for the one replica that is to resolve the tag again now. */
export async function claimImageCheck(db: Queryable, p: { ref: string; everyMs: number }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'claim_image_check',
    values: [p.ref, p.everyMs],
    text: `
      insert into wanted_images as w (ref) values ($1)
      on conflict (ref) do update set attempted_at = clock_now() where w.attempted_at <= clock_now() - $2 * interval '1 ms'`,
  })
  return rowCount === 1
}

export async function recordImage(db: Queryable, p: { ref: string; digest: string }): Promise<void> {
  await db.query({
    name: 'record_image',
    values: [p.ref, p.digest],
    text: `
      insert into wanted_images (ref, digest, resolved_at) values ($1, $2, clock_now())
      on conflict (ref) do update set digest = excluded.digest, resolved_at = clock_now(), attempted_at = clock_now(), error = null`,
  })
}

/** The digest known before stays in use. */
export async function recordImageFailure(db: Queryable, p: { ref: string; error: string }): Promise<void> {
  await db.query({
    name: 'record_image_failure',
    values: [p.ref, p.error],
    text: `
      insert into wanted_images (ref, error) values ($1, $2)
      on conflict (ref) do update set attempted_at = clock_now(), error = excluded.error`,
  })
}

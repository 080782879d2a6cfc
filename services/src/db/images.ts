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

/** When the one replica that is to resolve the tag again now asks for it, as the database writes it; null for all others. */
export async function claimImageCheck(db: Queryable, p: { ref: string; everyMs: number }): Promise<string | null> {
  const { rows } = await db.query<{ askedAt: string }>({
    name: 'claim_image_check',
    values: [p.ref, p.everyMs],
    text: `
      insert into wanted_images as w (ref) values ($1)
      on conflict (ref) do update set attempted_at = clock_now()
        -- a clock that was put back makes nobody wait for it
        where w.attempted_at <= clock_now() - $2 * interval '1 ms' or w.attempted_at > clock_now()
      returning attempted_at::text as "askedAt"`,
  })
  return rows[0]?.askedAt ?? null
}

/** What the tag meant when it was asked for; of one that was asked for later more is known already. */
export async function recordImage(db: Queryable, p: { ref: string; digest: string; askedAt: string }): Promise<void> {
  await db.query({
    name: 'record_image',
    values: [p.ref, p.digest, p.askedAt],
    text: `
      update wanted_images set digest = $2, resolved_at = $3::timestamptz, error = null
      where ref = $1 and (resolved_at is null or resolved_at <= $3::timestamptz or resolved_at > clock_now())`,
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

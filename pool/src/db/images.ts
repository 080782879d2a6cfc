import type { Queryable } from '@convos/kit'
import { type ImageRecord, UNRESOLVED } from '../supply/images.ts'

const COLUMNS = 'image, trusted_at, last_ready_at, failures, failed_at, openings, opened_at, retry_at'

export async function listImages(db: Queryable): Promise<ImageRecord[]> {
  const { rows } = await db.query<ImageRecord>({ name: 'list_images', text: `select ${COLUMNS} from images order by image` })
  return rows
}

export async function readWanted(db: Queryable): Promise<string | null> {
  const { rows } = await db.query<{ wanted_image: string | null }>({
    name: 'read_wanted',
    text: 'select wanted_image from settings',
  })
  return rows[0]?.wanted_image ?? null
}

/** What the tag means now; true when that is news. */
export async function recordWanted(db: Queryable, image: string): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'record_wanted',
    values: [image],
    text: `
      with known as (insert into images (image) values ($1) on conflict do nothing),
      moved as (
        update settings set wanted_image = $1, wanted_since = clock_now() where wanted_image is distinct from $1 returning one_row
      )
      insert into instance_events (type, actor, detail) select 'image_wanted', 'pool', jsonb_build_object('image', $1::text) from moved`,
  })
  return rowCount === 1
}

/** The records of some images, held until the transaction ends; one that was never seen before is made. */
export async function holdImages(tx: Queryable, images: readonly string[]): Promise<ImageRecord[]> {
  await tx.query({
    name: 'know_images',
    values: [images],
    text: 'insert into images (image) select distinct unnest($1::text[]) as image order by image on conflict do nothing',
  })
  const { rows } = await tx.query<ImageRecord>({
    name: 'hold_images',
    values: [images],
    text: `select ${COLUMNS} from images where image = any($1) order by image for update`,
  })
  return rows
}

/** Writes a record back, and the turning points of its breaker into the log. */
export async function saveImage(
  tx: Queryable,
  p: { before: ImageRecord; after: ImageRecord; actor: string; requestId: string | null },
): Promise<void> {
  const { before, after } = p
  await tx.query({
    name: 'save_image',
    values: [
      after.image,
      after.trusted_at,
      after.last_ready_at,
      after.failures,
      after.failed_at,
      after.openings,
      after.opened_at,
      after.retry_at,
      turningPoints(before, after),
      p.actor,
      p.requestId,
    ],
    text: `
      with saved as (
        update images set trusted_at = $2, last_ready_at = $3, failures = $4, failed_at = $5, openings = $6, opened_at = $7,
          retry_at = $8
        where image = $1 returning image, failures, retry_at
      )
      insert into instance_events (type, actor, request_id, detail)
      select type, $10, $11, jsonb_build_object('image', saved.image, 'failures', saved.failures, 'retryAt', saved.retry_at)
      from saved cross join unnest($9::text[]) as turned(type)`,
  })
}

function turningPoints(before: ImageRecord, after: ImageRecord): string[] {
  const opened = after.openings > before.openings
  const closed = before.opened_at !== null && after.opened_at === null
  const trusted = before.trusted_at === null && after.trusted_at !== null
  return [...(opened ? ['breaker_opened'] : []), ...(closed ? ['breaker_closed'] : []), ...(trusted ? ['image_trusted'] : [])]
}

export interface ImageUse {
  image: string
  first_seen_at: Date
  instances: number
  ready: number
}

/** How many instances there are on each image, and since when it is known. */
export async function countUse(db: Queryable): Promise<ImageUse[]> {
  const { rows } = await db.query<ImageUse>({
    name: 'count_use_of_images',
    values: [UNRESOLVED],
    text: `
      select m.image, m.first_seen_at, count(i.id)::int as instances, count(i.id) filter (where i.status = 'ready')::int as ready
      from images m left join instances i on coalesce(i.image, $1) = m.image
      group by m.image, m.first_seen_at order by m.first_seen_at desc, m.image`,
  })
  return rows
}

import type { Queryable } from '@convos/kit'
import { fault, ok, type Seen, warning } from '@convos/kit/doctor'
import { listImages, readWanted } from '../db/images.ts'
import { readSettings } from '../db/settings.ts'
import { breakerOf, type ImageRecord } from '../supply/images.ts'

/** What keeps new agents from being made: the images, and the settings. */
export async function lookAtSupply(db: Queryable, now: Date): Promise<Seen[]> {
  const [wanted, images, settings] = [await readWanted(db), await listImages(db), await readSettings(db)]
  return [...judgeImages({ wanted, images, now }), ...judgeSettings(settings)]
}

const short = (image: string) => image.replace(/@sha256:([0-9a-f]{8}).*/, '@sha256:$1…')

export function judgeImages({
  wanted,
  images,
  now,
}: {
  wanted: string | null
  images: readonly ImageRecord[]
  now: Date
}): Seen[] {
  if (wanted === null)
    return [
      warning(
        'IMAGE_UNKNOWN',
        'it is not known yet which image is wanted',
        'start pool and services; they find out within a minute',
      ),
    ]
  if (!/@sha256:[0-9a-f]{64}$/.test(wanted))
    return [fault('IMAGE_NOT_PINNED', `${wanted} is not named by its digest`, 'see what services answers to GET /image')]
  const trusted = images.filter((image) => image.trusted_at !== null)
  const record = images.find(({ image }) => image === wanted)
  const breaker = record ? breakerOf(record, now) : 'closed'
  const bad = `${short(wanted)} failed ${record?.failures} times in a row; its breaker is ${breaker === 'open' ? 'open' : 'half open'}`
  const todo = 'see "Breaker open" in docs/operations.md'
  if (breaker !== 'closed' && trusted.every(({ image }) => image === wanted))
    return [fault('IMAGE_BAD', `${bad}, and no other is trusted`, todo)]
  if (breaker !== 'closed') return [warning('IMAGE_BAD', `${bad}; agents are made on the image that was trusted last`, todo)]
  if (record?.trusted_at) return [ok('IMAGE', `${short(wanted)} is wanted, and trusted`)]
  return [
    warning(
      'IMAGE_UNTRUSTED',
      `${short(wanted)} is wanted, and no agent on it was ready yet`,
      'wait for the first: one is made at a time until then',
    ),
  ]
}

export function judgeSettings({
  paused,
  minIdle,
  maxTotal,
}: {
  paused: boolean
  minIdle: number
  maxTotal: number | null
}): Seen[] {
  const found: Seen[] = []
  if (paused)
    found.push(
      warning('PAUSED', 'the refill is paused', 'PATCH /api/pool/settings {"paused": false}, or the switch in the dashboard'),
    )
  if (minIdle === 0) found.push(warning('NO_TARGET', 'the target is 0 ready agents', 'raise minIdle in the settings'))
  if (maxTotal !== null && maxTotal < minIdle)
    found.push(
      fault(
        'CAP_BELOW_TARGET',
        `at most ${maxTotal} instances may be, and ${minIdle} are to be ready`,
        'raise maxTotal or lower minIdle in the settings',
      ),
    )
  return found
}

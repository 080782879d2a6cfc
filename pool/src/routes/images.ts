import { type Endpoint, endpoint, Problem, withTransaction } from '@convos/kit'
import { z } from 'zod'
import { callerOf, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { type Image, Images } from '../contract/index.ts'
import { countUse, holdImages, type ImageUse, listImages, readWanted, saveImage } from '../db/images.ts'
import { databaseNow } from '../db/instances.ts'
import { afterReset, breakerOf, type ImageRecord } from '../supply/images.ts'

const ByDigest = z.object({ digest: z.string().regex(/^(sha256:[0-9a-f]{64}|unresolved)$/, 'must be sha256:<64 hex digits>') })

const digestOf = (image: string): string | null => image.split('@')[1] ?? null

/** Images: how far each is trusted, and the way back for one whose breaker is open. */
export function imageRoutes({ db, signals }: Context): Endpoint<'operator'>[] {
  async function present(): Promise<Images> {
    const [records, uses, wanted, now] = await Promise.all([listImages(db), countUse(db), readWanted(db), databaseNow(db)])
    const of = (use: ImageUse) => records.find(({ image }) => image === use.image)
    return { wanted, images: uses.flatMap((use) => presentImage(of(use), use, wanted, now) ?? []) }
  }

  return [
    endpoint({
      method: 'get',
      path: '/api/pool/images',
      operationId: 'listImages',
      summary: 'Images: which is wanted, which are trusted, which keep failing, and how many instances run each',
      auth: 'operator',
      replies: { 200: Images },
      handle: async () => ({ status: 200, body: await present() }),
    }),
    endpoint({
      method: 'delete',
      path: '/api/pool/images/:digest/breaker',
      operationId: 'resetBreaker',
      summary: 'Forget the failures of an image, so that it is tried again at once; twice is fine',
      auth: 'operator',
      params: ByDigest,
      replies: { 200: Images },
      async handle({ params: { digest }, req, res }) {
        const known = (await listImages(db)).filter(({ image }) => (digestOf(image) ?? image) === digest)
        if (known.length === 0) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such image' })
        const who = { actor: callerOf(res).id, requestId: requestIdOf(req) }
        await withTransaction(db, async (tx) => {
          const held = await holdImages(
            tx,
            known.map(({ image }) => image),
          )
          for (const before of held) await saveImage(tx, { before, after: afterReset(before), ...who })
        })
        signals.emit('shrunk')
        return { status: 200, body: await present() }
      },
    }),
  ]
}

function presentImage(record: ImageRecord | undefined, use: ImageUse, wanted: string | null, now: Date): Image | null {
  if (!record) return null
  const breaker = breakerOf(record, now)
  return {
    image: record.image,
    digest: digestOf(record.image),
    wanted: record.image === wanted,
    state: breaker !== 'closed' ? 'bad' : record.trusted_at === null ? 'untrusted' : 'trusted',
    breaker,
    failures: record.failures,
    retryAt: record.retry_at?.toISOString() ?? null,
    trustedAt: record.trusted_at?.toISOString() ?? null,
    firstSeenAt: use.first_seen_at.toISOString(),
    instances: use.instances,
    ready: use.ready,
  }
}

import { Problem } from '@convos/kit'
import { claimImageCheck, readImage, recordImage, recordImageFailure } from './db/images.ts'
import { parseImageRef } from './infra/ghcr.ts'
import { IMAGE_RESOLVE_EVERY } from './limits.ts'
import type { Context } from './context.ts'

export interface ResolvedImage {
  ref: string
  /** `name@sha256:…` */
  image: string | null
  digest: string | null
  resolvedAt: Date | null
}

/** The image new instances get: what the configured tag was last seen to mean. */
export async function wantedImage({ db, config }: Context): Promise<ResolvedImage> {
  const ref = config.instance.imageRef
  const { digest, resolvedAt } = await readImage(db, ref)
  return { ref, image: digest && `${parseImageRef(ref).image}@${digest}`, digest, resolvedAt }
}

/** Asks the registry now; when it does not answer, what was known before stays. */
export async function resolveImage(ctx: Context): Promise<ResolvedImage> {
  const askedAt = await claimImageCheck(ctx.db, { ref: ctx.config.instance.imageRef, everyMs: 0 })
  return askedAt === null ? wantedImage(ctx) : resolve(ctx, askedAt)
}

async function resolve(ctx: Context, askedAt: string): Promise<ResolvedImage> {
  const ref = ctx.config.instance.imageRef
  try {
    await recordImage(ctx.db, { ref, digest: await ctx.images.resolve(ref), askedAt })
  } catch (err) {
    ctx.log.warn({ err, ref }, 'the wanted image cannot be resolved')
    await recordImageFailure(ctx.db, { ref, error: err instanceof Error ? err.message : String(err) })
  }
  return wantedImage(ctx)
}

/** One replica asks, once per interval. */
export async function resolveImageIfDue(ctx: Context): Promise<void> {
  const askedAt = await claimImageCheck(ctx.db, { ref: ctx.config.instance.imageRef, everyMs: IMAGE_RESOLVE_EVERY })
  if (askedAt !== null) await resolve(ctx, askedAt)
}

/**
 * The wanted image, asked for now where it is not known yet.
 * @throws Problem 503 when it cannot be resolved: nothing is created from a tag
 */
export async function usableImage(ctx: Context): Promise<string> {
  const { ref, image } = await wantedImage(ctx)
  const usable = image ?? (await resolveImage(ctx)).image
  if (!usable)
    throw new Problem({
      status: 503,
      code: 'IMAGE_UNRESOLVED',
      detail: `${ref} cannot be resolved to a digest now`,
      headers: { 'Retry-After': '30' },
    })
  return usable
}

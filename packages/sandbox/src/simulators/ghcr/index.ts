import { Router, type Request, type Response } from 'express'
import { z } from 'zod'
import type { SimContext, Simulator } from '../core/simulator.ts'
import { imageFromSeed, INDEX_TYPE, type SeededImage } from './manifests.ts'
import { tokenStore } from './tokens.ts'

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

const TagMove = z.strictObject({
  image: z.string().regex(NAME),
  tag: z.string().regex(TAG),
  /** Another seed is another digest; `null` removes the tag. */
  seed: z.string().min(1).nullable(),
})

const Name = z.array(z.string()).transform((parts) => parts.join('/'))
const ManifestPath = z.object({ name: Name, reference: z.string() })
const BlobPath = z.object({ name: Name, digest: z.string() })

/** Per image: what its tags were moved to, and every seed it was ever resolved with, so that old digests stay pullable. */
const Images = z.record(z.string(), z.object({ tags: z.record(z.string(), z.string().nullable()), seeds: z.array(z.string()) }))
type Images = z.infer<typeof Images>

/**
 * GHCR: anonymous tokens, manifests and the configurations that they name. A tag that nobody set resolves all the same, to a digest
 * derived from its name: a newcomer need not push an image first.
 */
export function createGhcr({ clock, baseUrl }: SimContext): Simulator {
  let images: Images = {}
  const tokens = tokenStore(clock)

  const imageOf = (name: string) => (images[name] ??= { tags: {}, seeds: [] })
  function resolveTag(name: string, tag: string): SeededImage | undefined {
    const image = imageOf(name)
    const seed = image.tags[tag] === undefined ? `${name}:${tag}` : image.tags[tag]
    if (seed === null) return undefined
    if (!image.seeds.includes(seed)) image.seeds.push(seed)
    image.tags[tag] = seed
    return imageFromSeed(seed)
  }
  function resolveDigest(name: string, kind: 'byDigest' | 'blobs', digest: string) {
    const seeds = images[name]?.seeds ?? []
    return seeds.map((seed) => imageFromSeed(seed)[kind].get(digest)).find((stored) => stored !== undefined)
  }

  function refuse(res: Response, status: number, code: string, message: string): void {
    res.status(status).json({ errors: [{ code, message }] })
  }
  /** Does the caller hold a token for this repository? If not, it is told where to get one. */
  function admits(req: Request, res: Response, repository: string | null): boolean {
    const bearer = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1]
    const granted = tokens.repositoryOf(bearer)
    if (granted !== undefined && (repository === null || granted === repository)) return true
    const scope = `repository:${repository ?? 'user/image'}:pull`
    res.set('www-authenticate', `Bearer realm="${baseUrl()}/token",service="ghcr.io",scope="${scope}"`)
    refuse(res, 401, 'UNAUTHORIZED', 'authentication required')
    return false
  }

  const router = Router()
  router.get('/token', (req, res) => {
    const { scope } = z.object({ scope: z.string().catch('') }).parse(req.query)
    res.json({ token: tokens.issue(/^repository:([^:]+):pull$/.exec(scope)?.[1] ?? null) })
  })
  router.use('/v2', (_req, res, next) => {
    res.set('docker-distribution-api-version', 'registry/2.0')
    next()
  })
  router.get('/v2', (req, res) => {
    if (admits(req, res, null)) res.json({})
  })
  // Express answers HEAD through GET and leaves the body out.
  router.get('/v2/*name/manifests/:reference', (req, res) => {
    const { name, reference } = ManifestPath.parse(req.params)
    if (!NAME.test(name)) return refuse(res, 404, 'NAME_UNKNOWN', 'repository name not known to registry')
    if (!admits(req, res, name)) return
    const byDigest = reference.startsWith('sha256:')
    const manifest = byDigest
      ? resolveDigest(name, 'byDigest', reference)
      : TAG.test(reference)
        ? resolveTag(name, reference)?.index
        : undefined
    if (!manifest) return refuse(res, 404, 'MANIFEST_UNKNOWN', 'manifest unknown')
    if (!accepts(req, manifest.mediaType)) {
      const what = manifest.mediaType === INDEX_TYPE ? 'OCI index' : 'OCI manifest'
      return refuse(res, 404, 'MANIFEST_UNKNOWN', `${what} found, but accept header does not support it`)
    }
    res.set({ 'content-type': manifest.mediaType, 'docker-content-digest': manifest.digest }).send(manifest.bytes)
  })
  router.get('/v2/*name/blobs/:digest', (req, res) => {
    const { name, digest } = BlobPath.parse(req.params)
    if (!admits(req, res, name)) return
    const blob = resolveDigest(name, 'blobs', digest)
    if (blob) res.set({ 'content-type': blob.mediaType, 'docker-content-digest': digest }).send(blob.bytes)
    else refuse(res, 404, 'BLOB_UNKNOWN', 'blob unknown to registry')
  })
  router.use('/v2', (_req, res) => refuse(res, 404, 'UNSUPPORTED', 'the operation is unsupported'))

  const control = Router()
  control.post('/tags', (req, res) => {
    const { image, tag, seed } = TagMove.parse(req.body)
    imageOf(image).tags[tag] = seed
    res.json({ image, tag, digest: resolveTag(image, tag)?.index.digest ?? null })
  })

  return {
    name: 'ghcr',
    prefix: '/',
    paths: ['/v2', '/token'],
    router,
    control,
    resources: () => ({
      tags: Object.entries(images).flatMap(([image, { tags }]) =>
        Object.entries(tags).flatMap(([tag, seed]) =>
          seed === null ? [] : [{ id: `${image}:${tag}`, name: image, tag, digest: imageFromSeed(seed).index.digest }],
        ),
      ),
    }),
    dump: () => images,
    load: (stored) => void (images = Images.parse(stored)),
    reset: () => void (images = {}),
  }
}

/** Registries compare media types literally; only the wildcard and an absent header mean "anything". */
function accepts(req: Request, mediaType: string): boolean {
  const accept = req.headers.accept ?? '*/*'
  return accept.split(',').some((part) => ['*/*', mediaType].includes(part.split(';')[0]?.trim() ?? ''))
}

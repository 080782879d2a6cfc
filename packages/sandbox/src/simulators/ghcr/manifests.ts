import { createHash } from 'node:crypto'

export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'

/** A manifest as the registry stores it: exact bytes under their own hash. */
interface StoredManifest {
  mediaType: string
  digest: string
  bytes: Buffer
}

export interface SeededImage {
  /** What a tag points to. */
  index: StoredManifest
  /** The index and the platform manifests it lists, by digest. */
  byDigest: Map<string, StoredManifest>
}

function store(mediaType: string, content: object): StoredManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }))
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes }
}

const describe = ({ mediaType, digest, bytes }: StoredManifest) => ({ mediaType, digest, size: bytes.length })

/** A small two-platform image; the same seed always gives the same digests. */
export function imageFromSeed(seed: string): SeededImage {
  const platforms = ['amd64', 'arm64'].map((architecture) => {
    const config = Buffer.from(JSON.stringify({ architecture, os: 'linux', config: { Labels: { seed } } }))
    const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`
    const manifest = store(MANIFEST_TYPE, { config: { mediaType: CONFIG_TYPE, digest, size: config.length }, layers: [] })
    return { manifest, platform: { architecture, os: 'linux' } }
  })
  const index = store(INDEX_TYPE, {
    manifests: platforms.map(({ manifest, platform }) => ({ ...describe(manifest), platform })),
  })
  return { index, byDigest: new Map([index, ...platforms.map((p) => p.manifest)].map((m) => [m.digest, m])) }
}

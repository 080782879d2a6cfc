import { createHash } from 'node:crypto'

export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'

/** What the registry stores: exact bytes under their own hash. */
interface Stored {
  mediaType: string
  digest: string
  bytes: Buffer
}

export interface SeededImage {
  /** What a tag points to. */
  index: Stored
  /** The index and the platform manifests it lists, by digest. */
  byDigest: Map<string, Stored>
  /** The platforms' configurations, by digest; layers there are none. */
  blobs: Map<string, Stored>
}

function store(mediaType: string, content: object): Stored {
  const bytes = Buffer.from(JSON.stringify(content))
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes }
}
const storeManifest = (mediaType: string, content: object) => store(mediaType, { schemaVersion: 2, mediaType, ...content })

const describe = ({ mediaType, digest, bytes }: Stored) => ({ mediaType, digest, size: bytes.length })
const byDigest = (stored: Stored[]) => new Map(stored.map((each) => [each.digest, each]))

/** A small two-platform image; the same seed always gives the same digests. */
export function imageFromSeed(seed: string): SeededImage {
  const platforms = ['amd64', 'arm64'].map((architecture) => {
    const config = store(CONFIG_TYPE, { architecture, os: 'linux', config: { Labels: { seed } } })
    const manifest = storeManifest(MANIFEST_TYPE, { config: describe(config), layers: [] })
    return { config, manifest, platform: { architecture, os: 'linux' } }
  })
  const index = storeManifest(INDEX_TYPE, {
    manifests: platforms.map(({ manifest, platform }) => ({ ...describe(manifest), platform })),
  })
  const manifests = byDigest([index, ...platforms.map(({ manifest }) => manifest)])
  return { index, byDigest: manifests, blobs: byDigest(platforms.map(({ config }) => config)) }
}

import { z } from 'zod'
import { OTHER_PROVIDER } from '../limits.ts'
import type { CountRequest } from '../metrics.ts'
import { ProviderError } from './errors.ts'

export interface RegistryOptions {
  url: string
  credentials: { username: string; password: string } | null
  count: CountRequest
}

/** The index types come first: a tag of several platforms must resolve to all of them. */
const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** Registries use one name or the other. */
const Token = z.object({ token: z.string().optional(), access_token: z.string().optional() })

/** `host/owner/name:tag` in its parts. */
export function parseImageRef(ref: string): { image: string; repository: string; tag: string } {
  const match = /^(?<image>[^/]+\/(?<repository>[a-z0-9._/-]+)):(?<tag>[\w][\w.-]*)$/.exec(ref)?.groups
  if (!match?.['image'] || !match['repository'] || !match['tag']) throw new Error(`"${ref}" is not registry/owner/name:tag`)
  return { image: match['image'], repository: match['repository'], tag: match['tag'] }
}

/** The parameters of a `Bearer` challenge. */
export function parseChallenge(header: string | null): Record<string, string> | null {
  if (!header || !/^bearer /i.test(header)) return null
  return Object.fromEntries([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
}

/** Asks a container registry what a tag means now: `sha256:…`. */
export function createImageRegistry({ url, credentials, count }: RegistryOptions) {
  const fail = (operation: string, message: string, status: number | null, cause?: unknown) => {
    const kind =
      status === 429 ? 'rate_limited' : status === 404 ? 'not_found' : status === 401 || status === 403 ? 'auth' : 'transient'
    count('ghcr', operation, kind)
    return new ProviderError(message, { provider: 'ghcr', operation, kind, uncertain: false, cause })
  }

  async function request(operation: string, target: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(target, { ...init, redirect: 'manual', signal: AbortSignal.timeout(OTHER_PROVIDER) })
    } catch (cause) {
      throw fail(operation, 'could not be reached', null, cause)
    }
  }

  const head = (repository: string, tag: string, token: string | null) =>
    request('headManifest', `${url}/v2/${repository}/manifests/${encodeURIComponent(tag)}`, {
      method: 'HEAD',
      headers: { accept: ACCEPT, ...(token ? { authorization: `Bearer ${token}` } : {}) },
    })

  async function fetchToken(challenge: Record<string, string>, repository: string): Promise<string> {
    const realm = URL.parse(challenge['realm'] ?? '')
    // credentials go there: a challenge must not choose the host
    if (realm?.host !== new URL(url).host) throw fail('token', 'the challenge names a foreign token service', null)
    if (challenge['service']) realm.searchParams.set('service', challenge['service'])
    realm.searchParams.set('scope', `repository:${repository}:pull`)
    const basic = credentials && Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
    let res = await request('token', realm.href, { headers: basic ? { authorization: `Basic ${basic}` } : {} })
    // expired credentials are refused even for public images
    if (basic && (res.status === 401 || res.status === 403)) res = await request('token', realm.href, {})
    if (!res.ok) throw fail('token', `answered ${res.status}`, res.status)
    const { token, access_token } = Token.safeParse(await res.json().catch(() => null)).data ?? {}
    const given = token ?? access_token
    if (!given) throw fail('token', 'answered without a token', null)
    count('ghcr', 'token', 'ok')
    return given
  }

  return {
    /** @throws ProviderError */
    async resolve(ref: string): Promise<string> {
      const { repository, tag } = parseImageRef(ref)
      let res = await head(repository, tag, null)
      const challenge = res.status === 401 ? parseChallenge(res.headers.get('www-authenticate')) : null
      if (challenge) res = await head(repository, tag, await fetchToken(challenge, repository))
      if (!res.ok) throw fail('headManifest', `answered ${res.status} for ${ref}`, res.status)
      const digest = res.headers.get('docker-content-digest')
      if (!digest || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw fail('headManifest', `gave no digest for ${ref}`, null)
      count('ghcr', 'headManifest', 'ok')
      return digest
    },
  }
}

export type ImageRegistry = ReturnType<typeof createImageRegistry>

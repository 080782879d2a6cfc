import { z } from 'zod'
import type { Gate } from '../budget/gate.ts'
import { OTHER_PROVIDER } from '../limits.ts'
import { ProviderError, type ProviderErrorKind } from './errors.ts'

export interface RegistryOptions {
  url: string
  credentials: { username: string; password: string } | null
  gate: Gate
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

function kindOf(status: number | null): ProviderErrorKind {
  if (status === 429) return 'rate_limited'
  if (status === 404) return 'not_found'
  return status === 401 || status === 403 ? 'auth' : 'transient'
}

function failure(operation: string, message: string, status: number | null, cause?: unknown): ProviderError {
  return new ProviderError(message, { provider: 'ghcr', operation, kind: kindOf(status), uncertain: false, cause })
}

/** Asks a container registry what a tag means now: `sha256:…`. */
export function createImageRegistry({ url, credentials, gate }: RegistryOptions) {
  /** An answer that is good, or one of those that are `expected`. */
  const request = (operation: string, target: string, init: RequestInit, expected: number[]): Promise<Response> =>
    gate.pass(operation, async () => {
      const options: RequestInit = { ...init, redirect: 'manual', signal: AbortSignal.timeout(OTHER_PROVIDER) }
      const res = await fetch(target, options).catch((cause: unknown) => {
        throw failure(operation, 'could not be reached', null, cause)
      })
      if (res.ok || expected.includes(res.status)) return res
      throw failure(operation, `answered ${res.status}`, res.status)
    })

  const head = (repository: string, tag: string, token: string | null) =>
    request(
      'headManifest',
      `${url}/v2/${repository}/manifests/${encodeURIComponent(tag)}`,
      { method: 'HEAD', headers: { accept: ACCEPT, ...(token ? { authorization: `Bearer ${token}` } : {}) } },
      token ? [] : [401],
    )

  async function fetchToken(challenge: Record<string, string>, repository: string): Promise<string> {
    const realm = URL.parse(challenge['realm'] ?? '')
    // credentials go there: a challenge must choose neither the host nor whether anybody may listen
    if (realm?.origin !== new URL(url).origin) throw failure('token', 'the challenge names a foreign token service', null)
    if (challenge['service']) realm.searchParams.set('service', challenge['service'])
    realm.searchParams.set('scope', `repository:${repository}:pull`)
    const ask = (headers: Record<string, string>, expected: number[]) => request('token', realm.href, { headers }, expected)
    const basic = credentials && Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
    let res = await (basic ? ask({ authorization: `Basic ${basic}` }, [401, 403]) : ask({}, []))
    // expired credentials are refused even for public images
    if (!res.ok) res = await ask({}, [])
    const { token, access_token } = Token.safeParse(await res.json().catch(() => null)).data ?? {}
    const given = token ?? access_token
    if (!given) throw failure('token', 'answered without a token', null)
    return given
  }

  return {
    /** @throws ProviderError */
    async resolve(ref: string): Promise<string> {
      const { repository, tag } = parseImageRef(ref)
      let res = await head(repository, tag, null)
      if (!res.ok) {
        const challenge = parseChallenge(res.headers.get('www-authenticate'))
        if (!challenge) throw failure('headManifest', `answered ${res.status} for ${ref}`, res.status)
        res = await head(repository, tag, await fetchToken(challenge, repository))
      }
      const digest = res.headers.get('docker-content-digest')
      if (!digest || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw failure('headManifest', `gave no digest for ${ref}`, null)
      return digest
    },
  }
}

export type ImageRegistry = ReturnType<typeof createImageRegistry>

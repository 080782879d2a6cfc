import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { serveSimulators, type SimulatorServer } from '../src/simulators/core/serve.ts'
import { createGhcr } from '../src/simulators/ghcr/index.ts'

const INDEX = 'application/vnd.oci.image.index.v1+json'
const IMAGE = 'acme/convos-runtime'

let server: SimulatorServer
beforeEach(async () => {
  server = await serveSimulators({ simulators: [createGhcr] })
})
afterEach(() => server.close())

const Challenge = /^Bearer realm="(?<realm>[^"]+)",service="(?<service>[^"]+)",scope="(?<scope>[^"]+)"$/

/** As registry clients do it: ask, be challenged, fetch a token from the realm, ask again. */
async function manifest(path: string, init: { method?: string; accept?: string; image?: string } = {}): Promise<Response> {
  const url = `${server.url}/v2/${init.image ?? IMAGE}/manifests/${path}`
  const challenged = await fetch(url)
  const { realm, service, scope } = Challenge.exec(challenged.headers.get('www-authenticate') ?? '')?.groups ?? {}
  const answer = await fetch(`${realm}?service=${service}&scope=${encodeURIComponent(scope ?? '')}`)
  const { token } = z.object({ token: z.string() }).parse(await answer.json())
  const headers = { authorization: `Bearer ${token}`, accept: init.accept ?? INDEX }
  return fetch(url, { method: init.method ?? 'GET', headers })
}
const digestOf = async (tag: string) => (await manifest(tag, { method: 'HEAD' })).headers.get('docker-content-digest')
const move = (tag: string, seed: string | null) =>
  fetch(`${server.url}/_control/ghcr/tags`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: IMAGE, tag, seed }),
  })

test('without a token everything is 401, with a challenge that leads to its own token endpoint', async () => {
  const response = await fetch(`${server.url}/v2/${IMAGE}/manifests/dev`)
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toBe(
    `Bearer realm="${server.url}/token",service="ghcr.io",scope="repository:${IMAGE}:pull"`,
  )
  expect(await response.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] })
  expect((await fetch(`${server.url}/v2/`)).status).toBe(401)
})

test('a token is good for its own repository, for five minutes', async () => {
  const scope = `repository:${IMAGE}:pull`
  const { token } = z.object({ token: z.string() }).parse(await (await fetch(`${server.url}/token?scope=${scope}`)).json())
  const get = (image: string) =>
    fetch(`${server.url}/v2/${image}/manifests/dev`, { headers: { authorization: `Bearer ${token}` } })
  expect((await get(IMAGE)).status).toBe(200)
  expect((await get('acme/other')).status).toBe(401)
  server.clock.advance(300_000)
  expect((await get(IMAGE)).status).toBe(401)
})

test('any tag resolves to an index whose bytes hash to its digest, always the same', async () => {
  const response = await manifest('dev')
  expect(response.headers.get('content-type')).toBe(INDEX)
  const digest = response.headers.get('docker-content-digest') ?? ''
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  expect(await digestOf('dev')).toBe(digest)
  expect(await digestOf('main')).not.toBe(digest)
})

test('HEAD answers with the same headers and no body', async () => {
  const response = await manifest('dev', { method: 'HEAD' })
  expect(response.status).toBe(200)
  expect(Number(response.headers.get('content-length'))).toBe((await (await manifest('dev')).text()).length)
  expect(await response.text()).toBe('')
})

test('the index and the platform manifests it lists can be pulled by digest', async () => {
  const Index = z.object({ manifests: z.array(z.object({ digest: z.string(), mediaType: z.string(), size: z.int() })) })
  const { manifests } = Index.parse(await (await manifest('dev')).json())
  expect(manifests).toHaveLength(2)
  for (const { digest, mediaType, size } of manifests) {
    const response = await manifest(digest, { accept: mediaType })
    const bytes = Buffer.from(await response.arrayBuffer())
    expect({ digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length }).toEqual({ digest, size })
  }
  expect((await manifest((await digestOf('dev')) ?? '')).status).toBe(200)
})

test('a platform manifest names its configuration, which can be pulled, too; any other blob is unknown', async () => {
  const Index = z.object({ manifests: z.array(z.object({ digest: z.string() })) })
  const [platform] = Index.parse(await (await manifest('dev')).json()).manifests
  const Manifest = z.object({ config: z.object({ digest: z.string(), size: z.int() }) })
  const ofPlatform = await manifest(platform?.digest ?? '', { accept: 'application/vnd.oci.image.manifest.v1+json' })
  const { config } = Manifest.parse(await ofPlatform.json())
  const { token } = z
    .object({ token: z.string() })
    .parse(await (await fetch(`${server.url}/token?scope=repository:${IMAGE}:pull`)).json())
  const blob = (digest: string, bearer = token) =>
    fetch(`${server.url}/v2/${IMAGE}/blobs/${digest}`, { headers: { authorization: `Bearer ${bearer}` } })
  const bytes = Buffer.from(await (await blob(config.digest)).arrayBuffer())
  expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(config.digest)
  expect(bytes).toHaveLength(config.size)
  expect(await (await blob(`sha256:${'0'.repeat(64)}`)).json()).toMatchObject({ errors: [{ code: 'BLOB_UNKNOWN' }] })
  expect((await blob(config.digest, 'nobody')).status).toBe(401)
})

test('a client that does not accept an index is told so as if there were no manifest', async () => {
  const response = await manifest('dev', { accept: 'application/vnd.docker.distribution.manifest.v2+json' })
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ errors: [{ code: 'MANIFEST_UNKNOWN' }] })
  expect((await manifest('dev', { accept: `text/plain, ${INDEX};q=0.5` })).status).toBe(200)
})

test('a tag moves to another digest, the old one stays pullable; a removed tag is unknown', async () => {
  const before = (await digestOf('dev')) ?? ''
  const moved = z.object({ digest: z.string() }).parse(await (await move('dev', 'release 2')).json())
  expect(moved.digest).not.toBe(before)
  expect(await digestOf('dev')).toBe(moved.digest)
  expect((await manifest(before)).status).toBe(200)

  await move('dev', null)
  const response = await manifest('dev')
  expect(response.status).toBe(404)
  expect(await response.json()).toEqual({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] })
})

test('unknown digests and impossible names are unknown', async () => {
  expect((await manifest(`sha256:${'0'.repeat(64)}`)).status).toBe(404)
  const response = await fetch(`${server.url}/v2/Upper/Case/manifests/dev`)
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ errors: [{ code: 'NAME_UNKNOWN' }] })
  expect((await move('no spaces', 'x')).status).toBe(400)
})

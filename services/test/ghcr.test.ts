import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openGate } from '../src/budget/gate.ts'
import { createImageRegistry, parseChallenge, parseImageRef } from '../src/infra/ghcr.ts'

const DIGEST = `sha256:${'b'.repeat(64)}`
const REF = 'ghcr.io/acme/agent:main'
let url: string
/** What the registry does about credentials, and where its challenge sends them. */
let registry: { realm: string; refuses: 'nobody' | 'credentials' | 'everybody'; digest: string | null }
let asked: { path: string; authorization: string | undefined }[]

const server = createServer((req: IncomingMessage, res) => {
  asked.push({ path: req.url ?? '', authorization: req.headers.authorization })
  if (req.url?.startsWith('/token')) {
    const refused = registry.refuses === 'everybody' || (registry.refuses === 'credentials' && req.headers.authorization)
    return res.writeHead(refused ? 403 : 200).end(refused ? '' : '{"token":"pull"}')
  }
  if (req.headers.authorization !== 'Bearer pull') {
    const challenge = `Bearer realm="${registry.realm}",service="ghcr.io",scope="repository:acme/agent:pull"`
    return res.writeHead(401, { 'www-authenticate': challenge }).end()
  }
  return res.writeHead(200, registry.digest ? { 'docker-content-digest': registry.digest } : {}).end()
})
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  registry = { realm: `${url}/token`, refuses: 'nobody', digest: DIGEST }
  asked = []
})
const open = (credentials: { username: string; password: string } | null = null) =>
  createImageRegistry({ url, credentials, gate: openGate })

test('a tag is resolved with a token for its repository, which even a public image needs', async () => {
  expect(await open().resolve(REF)).toBe(DIGEST)
  expect(asked).toEqual([
    { path: '/v2/acme/agent/manifests/main', authorization: undefined },
    { path: '/token?service=ghcr.io&scope=repository%3Aacme%2Fagent%3Apull', authorization: undefined },
    { path: '/v2/acme/agent/manifests/main', authorization: 'Bearer pull' },
  ])
})

test('credentials go to the token service of the registry and nowhere else', async () => {
  const password = randomBytes(16).toString('hex')
  const basic = `Basic ${Buffer.from(`robot:${password}`).toString('base64')}`
  await open({ username: 'robot', password }).resolve(REF)
  expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, basic, 'Bearer pull'])

  for (const realm of ['http://127.0.0.2:9/token', `${url.replace('http:', 'https:')}/token`]) {
    asked = []
    registry.realm = realm
    await expect(open({ username: 'robot', password }).resolve(REF)).rejects.toThrow('foreign token service')
    expect(asked).toHaveLength(1)
  }
})

test('credentials that have expired are left out: the image may be public', async () => {
  registry.refuses = 'credentials'
  expect(await open({ username: 'robot', password: 'old' }).resolve(REF)).toBe(DIGEST)
  registry.refuses = 'everybody'
  await expect(open({ username: 'robot', password: 'old' }).resolve(REF)).rejects.toMatchObject({ kind: 'auth' })
})

test('an answer without a digest is a failure', async () => {
  registry.digest = null
  await expect(open().resolve(REF)).rejects.toThrow('no digest')
})

test('references and challenges are read in parts', () => {
  expect(parseImageRef('localhost:5000/acme/agent:v1.2')).toEqual({
    image: 'localhost:5000/acme/agent',
    repository: 'acme/agent',
    tag: 'v1.2',
  })
  expect(() => parseImageRef('acme/agent')).toThrow('is not registry/owner/name:tag')
  expect(parseChallenge('Basic realm="x"')).toBeNull()
  expect(parseChallenge('Bearer realm="r",service="s"')).toEqual({ realm: 'r', service: 's' })
})

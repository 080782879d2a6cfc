import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveSimulators, type SimulatorServer } from '../src/simulators/core/serve.ts'
import { createGhcr } from '../src/simulators/ghcr/index.ts'

const SKOPEO = 'skopeo'
const installed = spawnSync(SKOPEO, ['--version']).status === 0
/** Where nobody looks at what was skipped, a missing skopeo must fail. */
const mayBeSkipped = !installed && !process.env['CI']
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

let server: SimulatorServer
beforeAll(async () => {
  server = await serveSimulators({ simulators: [createGhcr] })
})
afterAll(() => server.close())

const skopeo = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(SKOPEO, args)
  return stdout.trim()
}
const image = (reference: string) => `docker://${new URL(server.url).host}/acme/convos-runtime${reference}`

test.skipIf(mayBeSkipped)(
  'skopeo reads the registry: a tag’s index, its digest, and the same by digest (skipped: skopeo is not installed)',
  async () => {
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', image(':dev'))
    expect(JSON.parse(raw)).toMatchObject({ mediaType: 'application/vnd.oci.image.index.v1+json' })

    const inspect = ['inspect', '--tls-verify=false', '--no-tags', '--override-os=linux', '--override-arch=arm64', '--format']
    const digest = await skopeo(...inspect, '{{.Digest}} {{.Architecture}}', image(':dev'))
    expect(digest).toBe(`${sha256(raw)} arm64`)
    expect(await skopeo('inspect', '--raw', '--tls-verify=false', image(`@${sha256(raw)}`))).toBe(raw)
    await expect(skopeo('inspect', '--raw', '--tls-verify=false', image(`@sha256:${'0'.repeat(64)}`))).rejects.toThrow(
      'manifest unknown',
    )
  },
)

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { providerAccounts, servicesEnv } from '../src/launcher/environment.ts'
import { parseStartOptions } from '../src/launcher/options.ts'
import { loadSettings } from '../src/launcher/settings.ts'
import { startSimulators } from '../src/simulators/server.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sandbox-launcher-'))
  return () => rmSync(dataDir, { recursive: true, force: true })
})
const file = () => join(dataDir, 'settings.json')
const Stored = z.looseObject({ ports: z.record(z.string(), z.number()) })
const stored = () => Stored.parse(JSON.parse(readFileSync(file(), 'utf8')))

describe('settings', () => {
  test('are drawn once, differ from sandbox to sandbox, and are the same ever after', async () => {
    const first = await loadSettings(dataDir, 0)
    expect(await loadSettings(dataDir, undefined)).toEqual(first)
    const ports = Object.values(first.ports)
    expect(new Set(ports).size).toBe(ports.length)

    rmSync(file())
    const other = await loadSettings(dataDir, 0)
    for (const key of ['poolApiKey', 'agentmailApiKey', 'telnyxApiKey', 'bankrApiKey'] as const)
      expect(other[key]).not.toBe(first[key])
  })

  test('of an earlier version are kept, and completed with what it did not know', async () => {
    const whole = await loadSettings(dataDir, 0)
    const { ports, ...rest } = stored()
    const { public: forgotten, ...olderPorts } = ports
    const { telnyxApiKey: unknown, ...older } = rest
    expect([forgotten, unknown]).toEqual([whole.ports.public, whole.telnyxApiKey])
    writeFileSync(file(), JSON.stringify({ ...older, ports: olderPorts }))

    const completed = await loadSettings(dataDir, undefined)
    expect(completed).toMatchObject({ ...older, ports: olderPorts })
    expect(completed.telnyxApiKey).toMatch(/^telnyx_/)
    expect(Object.values(olderPorts)).not.toContain(completed.ports.public)
    expect(await loadSettings(dataDir, undefined)).toEqual(completed)
  })

  test('a port that a stored setting has is not given to another part, though nobody listens on it now', async () => {
    const { ports } = await loadSettings(dataDir, 0)
    writeFileSync(file(), JSON.stringify({ ...stored(), ports: { ...ports, pool: 3003, public: undefined } }))
    const completed = await loadSettings(dataDir, undefined)
    expect(completed.ports.pool).toBe(3003)
    expect(completed.ports.public).not.toBe(3003)
  })
})

test('services is told where every provider is, with which key, and where it can itself be reached', async () => {
  const simulators = await startSimulators()
  onTestFinished(() => simulators.close())
  const settings = await loadSettings(dataDir, 0)
  const servicesPublic = `http://127.0.0.1:${settings.ports.public}`
  const urls = { pool: '', services: '', servicesPublic, simulators: simulators.url, databases: { pool: '', services: '' } }
  const kind = { instances: 'process', engine: 'openclaw' } as const
  const options = { idle: 0, fresh: false, port: 0, open: false, real: [], dataDir, ...kind }
  const env = servicesEnv(urls, settings, options, await providerAccounts(simulators.url))

  expect(env).toMatchObject({ PUBLIC_PORT: String(settings.ports.public), SERVICES_PUBLIC_URL: servicesPublic })
  expect(JSON.parse(env['INSTANCE_EXTRA_ENV'] ?? '')).toMatchObject({ AGENT_ENGINE: 'openclaw' })
  expect(Buffer.from(env['TELNYX_PUBLIC_KEY'] ?? '', 'base64')).toHaveLength(32)
  // Each base URL leads to its provider, which knows the path and takes the key.
  const asked: [name: string, path: string, headers: Record<string, string>][] = [
    ['AGENTMAIL', '/inboxes', { authorization: `Bearer ${env['AGENTMAIL_API_KEY']}` }],
    ['TELNYX', '/phone_numbers', { authorization: `Bearer ${env['TELNYX_API_KEY']}` }],
    ['BANKR', '/partner/wallets', { 'x-partner-key': env['BANKR_API_KEY'] ?? '' }],
  ]
  for (const [name, path, headers] of asked) {
    expect((await fetch(`${env[`${name}_API_URL`]}${path}`, { headers })).status, name).toBe(200)
  }
})

describe('options', () => {
  test('say what is not understood', () => {
    expect(parseStartOptions([], '.data')).toMatchObject({ idle: undefined, instances: 'process', real: [], dataDir: '.data' })
    expect(parseStartOptions(['--help'], '.data')).toBeNull()
    expect(() => parseStartOptions(['--instances', 'paper'], '.data')).toThrow('process or virtual')
    expect(() => parseStartOptions(['--real', 'railway'], '.data')).toThrow('only openrouter')
    expect(() => parseStartOptions(['--real', 'openrouter'], '.data', {})).toThrow('needs OPENROUTER_MANAGEMENT_KEY')
    expect(() => parseStartOptions(['--engine', 'steam'], '.data')).toThrow('lite or openclaw')
    expect(() => parseStartOptions(['--nonsense'], '.data')).toThrow('nonsense')
  })

  test('the real gateway takes a gigabyte each: one at first, and never many', () => {
    expect(parseStartOptions(['--engine', 'openclaw'], '.data')).toMatchObject({ engine: 'openclaw', idle: 1 })
    expect(parseStartOptions(['--engine', 'openclaw', '--idle', '2'], '.data')).toMatchObject({ idle: 2 })
    expect(() => parseStartOptions(['--engine', 'openclaw', '--idle', '11'], '.data')).toThrow('from 0 to 10')
    expect(() => parseStartOptions(['--engine', 'openclaw', '--instances', 'virtual'], '.data')).toThrow('no engine')
  })

  test('only simulated agents may be many', () => {
    expect(() => parseStartOptions(['--idle', '51'], '.data')).toThrow('from 0 to 50')
    expect(parseStartOptions(['--idle', '1000', '--instances', 'virtual'], '.data')).toMatchObject({ idle: 1000 })
  })
})

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gatewayConfig } from '../lib/gateway-config.ts'
import { modelRef } from '../lib/model-ref.ts'
import { fillIn, type Json } from '../lib/template.ts'
import { box, text } from './support.ts'

const template = JSON.parse(text('runtime/openclaw/openclaw.json')) as Json
const always = {
  RUNTIME_ROOT: '/app',
  GATEWAY_STATE: '/data/openclaw',
  OPENCLAW_WORKSPACE_DIR: '/data/workspace',
  NODE_FOLDER: '/usr/local/bin',
}

describe('a template', () => {
  test('has its variables filled in', () => {
    expect(fillIn({ a: ['${X}-${Y}', 1, null, true] }, { X: 'x', Y: '${Z}' })).toEqual({ a: ['x-${Z}', 1, null, true] })
  })

  test('says where a variable is missing', () => {
    expect(() => fillIn({ a: [{ b: '${X}' }] }, { X: '' })).toThrow('a[0].b needs X')
  })

  test('has parts that are there with their variable only', () => {
    const conditional = { a: { $if: 'X', b: '${X}' }, list: ['one', { $if: 'X', $value: 'two ${X}' }] }
    expect(fillIn(conditional, {})).toEqual({ list: ['one'] })
    expect(fillIn(conditional, { X: 'x' })).toEqual({ a: { b: 'x' }, list: ['one', 'two x'] })
  })

  test('without variables is itself', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        fc.pre(!/\$/.test(JSON.stringify(json)))
        expect(JSON.stringify(fillIn(json as Json, {}))).toBe(JSON.stringify(json))
      }),
    ))
})

describe('the gateway’s configuration', () => {
  test('names secrets, and holds none', () => {
    const secrets = {
      OPENROUTER_API_KEY: 'the-first-secret',
      ANTHROPIC_API_KEY: 'the-second',
      OPENCLAW_GATEWAY_TOKEN: 'the-third',
    }
    const config = JSON.stringify(gatewayConfig(template, { ...always, ...secrets }))
    for (const [name, secret] of Object.entries(secrets)) {
      expect(config).toContain(`"id":"${name}"`)
      expect(config).not.toContain(secret)
    }
  })

  test('lets nothing in from outside but its own page, and nothing out but what the agent does', () => {
    const config = gatewayConfig(template, { ...always, RAILWAY_PUBLIC_DOMAIN: 'a.example.org' })
    expect(config).toMatchObject({
      gateway: { bind: 'loopback', auth: { mode: 'token' }, controlUi: { allowedOrigins: ['https://a.example.org'] } },
      agents: { defaults: { skipBootstrap: true, heartbeat: { every: '0m' } } },
      discovery: { mdns: { mode: 'off' } },
      telemetry: { enabled: false },
      update: { checkOnStart: false, auto: { enabled: false } },
    })
  })

  test('lets the agent be silent, and puts our commands and our Node before the machine’s', () => {
    expect(gatewayConfig(template, always)).toMatchObject({
      agents: { defaults: { silentReply: { group: 'allow' } } },
      tools: { exec: { pathPrepend: ['/app/openclaw/bin', '/usr/local/bin'] } },
    })
  })

  test('has a browser only where there is one', () => {
    const plugins = (env: Record<string, string>) => JSON.stringify(gatewayConfig(template, { ...always, ...env }))
    expect(plugins({})).not.toContain('browser')
    expect(plugins({ CHROMIUM_PATH: '/usr/bin/chromium' })).toContain('"executablePath":"/usr/bin/chromium"')
  })

  test('is put in place as a whole, for its owner only; a browser that is not installed is left out', async () => {
    const b = box()
    const env = { OPENCLAW_STATE_DIR: b.state, OPENROUTER_API_KEY: 'k', CHROMIUM_PATH: '/nowhere/chromium' }
    for (const model of ['acme/one', 'acme/two']) {
      expect((await b.run([join(b.root, 'scripts/apply-config.sh')], { ...env, OPENCLAW_PRIMARY_MODEL: model })).code).toBe(0)
      expect(JSON.parse(b.file('openclaw/openclaw.json'))).toMatchObject({
        agents: { defaults: { model: { primary: `openrouter/${model}` } } },
      })
    }
    expect(b.file('openclaw/openclaw.json')).not.toContain('chromium')
    expect(statSync(join(b.state, 'openclaw/openclaw.json')).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(b.state, 'openclaw')).toSorted()).toEqual(['openclaw.json', 'workspace.sha256'])
  })
})

test.for([
  ['acme/small', false, 'openrouter/acme/small'],
  ['openrouter/auto', false, 'openrouter/auto'],
  ['openrouter/acme/small:free', false, 'openrouter/acme/small:free'],
  ['anthropic/claude-sonnet-4.5', false, 'openrouter/anthropic/claude-sonnet-4.5'],
  ['anthropic/claude-sonnet-4.5', true, 'anthropic/claude-sonnet-4-5'],
  ['openrouter/anthropic/claude-sonnet-4.5', true, 'anthropic/claude-sonnet-4-5'],
  ['openrouter/auto', true, 'anthropic/claude-sonnet-4-6'],
] as const)('the model %s (only Anthropic: %s) is %s to OpenClaw', ([model, onlyAnthropic, ref]) => {
  expect(modelRef(model, onlyAnthropic)).toBe(ref)
})

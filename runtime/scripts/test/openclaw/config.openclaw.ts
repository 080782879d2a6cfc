import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { gatewayConfig } from '../../lib/gateway-config.ts'
import type { Json } from '../../lib/template.ts'
import { RUNTIME } from '../support.ts'

/** What a box may have or not, and what the configuration depends on. */
const OPTIONAL = {
  RAILWAY_PUBLIC_DOMAIN: 'agent.up.example.org',
  OPENROUTER_API_KEY: 'the-key-of-openrouter',
  OPENROUTER_API_URL: 'http://127.0.0.1:9/api/v1',
  OPENCLAW_PRIMARY_MODEL: 'acme/model-4.5:free',
  ANTHROPIC_API_KEY: 'the-key-of-anthropic',
  CHROMIUM_PATH: '/bin/sh', // whatever can be executed
}
const NAMES = Object.keys(OPTIONAL) as (keyof typeof OPTIONAL)[]
const COMBINATIONS = Array.from({ length: 2 ** NAMES.length }, (_, bits) => NAMES.filter((_name, bit) => bits & (1 << bit)))

const Said = z.array(
  z.object({
    valid: z.boolean(),
    issues: z.array(z.object({ path: z.string(), message: z.string() })),
    warnings: z.array(z.object({ path: z.string(), message: z.string() })),
  }),
)

const folder = mkdtempSync(join(tmpdir(), 'openclaw-config-'))
/** As the image lays it out: with the extensions built. Made by what runs before all tests. */
const root = join(RUNTIME, '.bundle')
const always = { PATH: process.env['PATH'] ?? '', HOME: folder }
const template = JSON.parse(readFileSync(join(RUNTIME, 'openclaw/openclaw.json'), 'utf8')) as Json
const place = (name: string) => join(folder, `${name}.json`)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const node = (script: string, args: string[], env: Record<string, string> = {}) =>
  execFileSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    env: { ...always, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

function generate(name: string, env: Record<string, string>): string {
  const given = {
    RUNTIME_ROOT: root,
    GATEWAY_STATE: join(folder, 'state'),
    OPENCLAW_WORKSPACE_DIR: join(folder, 'workspace'),
    NODE_FOLDER: dirname(process.execPath),
  }
  const config = gatewayConfig(template, { ...env, ...given })
  writeFileSync(place(name), JSON.stringify(config))
  return place(name)
}

const validate = (files: string[]) =>
  Said.parse(
    JSON.parse(
      node(join(import.meta.dirname, 'validate.ts'), [RUNTIME, ...files], {
        OPENCLAW_STATE_DIR: join(folder, 'state'),
        OPENCLAW_GATEWAY_TOKEN: 'the-token-of-the-gateway',
        OPENROUTER_API_KEY: OPTIONAL.OPENROUTER_API_KEY,
        ANTHROPIC_API_KEY: OPTIONAL.ANTHROPIC_API_KEY,
      })
        .trim()
        .split('\n')
        .at(-1) ?? '',
    ),
  )

test(`OpenClaw takes the configuration of every box: ${COMBINATIONS.length} combinations of what one may have`, () => {
  const files = COMBINATIONS.map((names, index) =>
    generate(`box-${index}`, Object.fromEntries(names.map((name) => [name, OPTIONAL[name]]))),
  )
  const said = validate(files)
  expect(said).toHaveLength(COMBINATIONS.length)
  for (const [index, of] of said.entries())
    expect(of, `with ${COMBINATIONS[index]?.join(', ')}`).toEqual({ valid: true, issues: [], warnings: [] })
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain('${')
    expect(text, 'no secret lies on the volume').not.toMatch(/the-key-of|the-token-of/)
  }
})

test('it would have noticed a fault, and its own command says the same', () => {
  const good = generate('good', {})
  const faulty = place('faulty')
  writeFileSync(faulty, readFileSync(good, 'utf8').replace('"loopback"', '"anywhere"'))
  expect(validate([good, faulty])).toMatchObject([{ valid: true }, { valid: false, issues: [{ path: 'gateway.bind' }] }])
  const command = (file: string) =>
    node(join(RUNTIME, 'node_modules/openclaw/openclaw.mjs'), ['config', 'validate'], {
      OPENCLAW_STATE_DIR: join(folder, 'state'),
      OPENCLAW_CONFIG_PATH: file,
      OPENCLAW_GATEWAY_TOKEN: 'the-token-of-the-gateway',
    })
  expect(command(good)).toContain('Config valid')
  expect(() => command(faulty)).toThrow('gateway.bind')
})

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { box } from './support.ts'

const variables = (text: string) =>
  Object.fromEntries([...text.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]))
const TOKENS = ['INSTANCE_CONTROL_TOKEN', 'OPENCLAW_GATEWAY_TOKEN', 'SETUP_PASSWORD']

test('every variable is shown, with new tokens and what is set already', async () => {
  const b = box()
  const { code, stdout } = await b.run([join(b.root, 'scripts/keys.sh')], { OPENROUTER_API_KEY: 'mine', LOG_LEVEL: 'debug' })
  expect(code).toBe(0)
  const shown = variables(stdout)
  expect(shown).toMatchObject({ OPENROUTER_API_KEY: 'mine', LOG_LEVEL: 'debug', XMTP_ENV: 'dev' })
  for (const name of TOKENS) expect(shown[name]).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set(TOKENS.map((name) => shown[name])).size).toBe(TOKENS.length)
  expect(stdout.split('\n').length, 'with the example’s remarks').toBe(
    readFileSync(join(b.root, '.env.example'), 'utf8').split('\n').length,
  )
})

test('a file is made once; later only what it lacks is added', async () => {
  const b = box()
  const file = join(b.state, 'agent.env')
  const keys = () => b.run([join(b.root, 'scripts/keys.sh'), file], { XMTP_ENV: 'local' })
  await keys()
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const first = readFileSync(file, 'utf8')
  expect((await keys()).stderr).toContain('0 were added')
  expect(readFileSync(file, 'utf8')).toBe(first)

  const shorter = first
    .replace(/^INSTANCE_CONTROL_TOKEN=.*\n/m, '')
    .replace(/^OPENCLAW_GATEWAY_TOKEN=.*$/m, 'OPENCLAW_GATEWAY_TOKEN=mine')
  writeFileSync(file, shorter)
  expect((await keys()).stderr).toContain('1 were added')
  const now = readFileSync(file, 'utf8')
  expect(now.startsWith(shorter)).toBe(true)
  expect(variables(now)).toMatchObject({
    OPENCLAW_GATEWAY_TOKEN: 'mine',
    INSTANCE_CONTROL_TOKEN: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
})

test('the file starts an agent', async () => {
  const b = box()
  await b.run([join(b.root, 'scripts/keys.sh'), join(b.root, '.env')])
  const told = await b.tell([join(b.root, 'scripts/entrypoint.sh')], { OPENCLAW_STATE_DIR: b.state })
  expect(told.handed?.token.trim()).toMatch(/^[0-9a-f]{64}$/)
})

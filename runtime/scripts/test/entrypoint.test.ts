import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Box, box, text } from './support.ts'

const AS_ROOT = process.getuid?.() === 0
const NOBODY = 65_534

const given = (b: Box, more: Record<string, string> = {}) => ({
  INSTANCE_ID: 'abcdefghijkl',
  INSTANCE_CONTROL_TOKEN: 'the control token of this box',
  OPENCLAW_GATEWAY_TOKEN: 'the gateway token of this box',
  OPENROUTER_API_KEY: 'the key of this box',
  RAILWAY_VOLUME_MOUNT_PATH: b.state,
  ...more,
})
const entrypoint = (b: Box) => [join(b.root, 'scripts/entrypoint.sh')]
/** What services put into the deployment, with this box's place for the image's. */
const startCommand = (b: Box) => {
  const [, command = ''] = /START_COMMAND = `sh -c '(.*)'`/.exec(text('services/src/instance/desired.ts')) ?? []
  return ['sh', '-c', command.replace('/app/', `${b.root}/`)]
}

describe('the two ways in', () => {
  test.for([
    ['the image’s entry point', entrypoint],
    ['the provider’s start command', startCommand],
  ] as const)('%s becomes the agent server, with the state prepared', async ([, command]) => {
    const b = box()
    const told = await b.tell(command(b), given(b))
    expect(told.pid, 'one process, which signals reach').toBe(told.pid)
    expect(told.env).toMatchObject({ INSTANCE_ID: 'abcdefghijkl', RUNTIME_ROOT: b.root })
    expect(told.env['PATH']).toContain(join(b.root, 'node_modules'))
    expect(JSON.parse(b.file('openclaw/openclaw.json'))).toMatchObject({ gateway: { mode: 'local' } })
    expect(b.file('workspace/AGENTS.md')).toBe('be kind\n')
  })

  test('the control token is nowhere that a process of the same user could read it, but in a pipe', async () => {
    const b = box()
    const token = 'the control token of this box'
    const told = await b.tell(entrypoint(b), given(b, { SETUP_PASSWORD: 'the password of this box' }))
    expect(told.handed).toEqual({ by: expect.stringMatching(/^pipe:/), token: `${token}\n` })
    expect(told.environ).not.toMatch(/the control token|the password/)
    expect(told.environ).toContain('the gateway token of this box')
  })

  test('the image’s entry point is what the start command runs', () => {
    expect(text('runtime/Dockerfile')).toContain('ENTRYPOINT ["/app/scripts/entrypoint.sh"]')
    expect(startCommand({ root: '/app' } as Box)).toEqual(['sh', '-c', 'exec /app/scripts/entrypoint.sh'])
  })
})

describe('what is missing', () => {
  test('is told by name, all of it, with what to do', async () => {
    const b = box()
    const { code, stderr } = await b.run(entrypoint(b), { RAILWAY_VOLUME_MOUNT_PATH: b.state })
    expect(code).toBe(78)
    for (const name of ['INSTANCE_ID', 'INSTANCE_CONTROL_TOKEN', 'OPENCLAW_GATEWAY_TOKEN', 'OPENROUTER_API_KEY'])
      expect(stderr).toMatch(new RegExp(`${name} is missing: .{10,}`))
    expect(stderr).toContain('keys.sh')
  })

  test('a place for the state is told first', async () => {
    const b = box()
    const { code, stderr } = await b.run(entrypoint(b), given(b, { RAILWAY_VOLUME_MOUNT_PATH: '' }))
    expect([code, stderr]).toEqual([78, expect.stringMatching(/RAILWAY_VOLUME_MOUNT_PATH.*OPENCLAW_STATE_DIR/)])
  })

  test('a model’s key may come later: a box without one starts, and says so', async () => {
    const b = box()
    const { stderr } = await b.tell(entrypoint(b), given(b, { OPENROUTER_API_KEY: '' }))
    expect(stderr).toContain('OPENROUTER_API_KEY is missing')
  })

  test('OpenClaw is told with the command that installs it; the lite engine needs none', async () => {
    const b = box({ openclaw: false })
    const { code, stderr } = await b.run(entrypoint(b), given(b))
    expect([code, stderr]).toEqual([78, expect.stringContaining(`npm ci --prefix ${b.root}`)])
    await b.tell(entrypoint(b), given(b, { AGENT_ENGINE: 'lite' }))
    expect(existsSync(join(b.state, 'openclaw'))).toBe(false)
  })
})

describe('state', () => {
  test('lies on the volume, else in OPENCLAW_STATE_DIR', async () => {
    const b = box()
    const other = join(b.state, 'other')
    await b.tell(entrypoint(b), given(b, { OPENCLAW_STATE_DIR: other }))
    expect(existsSync(other)).toBe(false)
    await b.tell(entrypoint(b), given(b, { RAILWAY_VOLUME_MOUNT_PATH: '', OPENCLAW_STATE_DIR: other }))
    expect(existsSync(join(other, 'openclaw/openclaw.json'))).toBe(true)
  })

  test('on Railway without a volume is warned of', async () => {
    const b = box()
    const env = given(b, { RAILWAY_VOLUME_MOUNT_PATH: '', OPENCLAW_STATE_DIR: b.state, RAILWAY_ENVIRONMENT_ID: 'e' })
    expect((await b.tell(entrypoint(b), env)).stderr).toContain('no volume is attached')
  })

  test.runIf(AS_ROOT)('that belongs to another user is told, with what to do on Railway', async () => {
    const b = box()
    const { code, stderr } = await b.run(entrypoint(b), given(b), { uid: NOBODY })
    expect(code).toBe(78)
    expect(stderr).toMatch(/user 65534 cannot write to .* \(owner: 0\).*RAILWAY_RUN_UID=0/)
  })

  test.runIf(AS_ROOT)('of root is handed over to the image’s user, as deep as it goes, and root is given up', async () => {
    const b = box()
    mkdirSync(join(b.state, 'agent/convos'), { recursive: true })
    writeFileSync(join(b.state, 'agent/convos/identity.json'), '{}')
    b.put('key', 'a key that only root can read')
    chmodSync(join(b.root, 'key'), 0o400)
    const file = { OPENROUTER_API_KEY: '', OPENROUTER_API_KEY_FILE: join(b.root, 'key') }
    const told = await b.tell(entrypoint(b), given(b, { AGENT_USER: 'nobody', ...file }))
    expect(told.uid).toBe(NOBODY)
    expect(told.env['OPENROUTER_API_KEY']).toBe('a key that only root can read')
    expect(told.env['HOME']).not.toBe('/root')
    for (const path of ['', 'agent/convos/identity.json', 'openclaw/openclaw.json'])
      expect(statSync(join(b.state, path)).uid, path).toBe(NOBODY)
  })
})

describe('secrets in files', () => {
  test('are read, and their files’ names go no further', async () => {
    const b = box()
    writeFileSync(join(b.state, 'key'), 'a key from a file\n')
    const told = await b.tell(entrypoint(b), given(b, { OPENROUTER_API_KEY: '', OPENROUTER_API_KEY_FILE: join(b.state, 'key') }))
    expect(told.env).toMatchObject({ OPENROUTER_API_KEY: 'a key from a file' })
    expect(told.env).not.toHaveProperty('OPENROUTER_API_KEY_FILE')
  })

  test.for([
    ['given twice', 'the key', '/etc/hostname', /both set/],
    ['not to be read', '', '/nowhere/key', /cannot be read/],
    ['empty', '', '/dev/null', /is empty/],
  ] as const)('%s: told, and not started', async ([, key, file, why]) => {
    const b = box()
    const { code, stderr } = await b.run(entrypoint(b), given(b, { OPENROUTER_API_KEY: key, OPENROUTER_API_KEY_FILE: file }))
    expect([code, stderr]).toEqual([78, expect.stringMatching(why)])
  })
})

test('a checkout’s .env fills in what is not set, and nothing else', async () => {
  const b = box()
  b.put('.env', '# a remark\nINSTANCE_ID=from-the-file\nXMTP_ENV=local\nLOG_LEVEL=\n')
  const told = await b.tell(entrypoint(b), given(b))
  expect(told.env).toMatchObject({ INSTANCE_ID: 'abcdefghijkl', XMTP_ENV: 'local' })
  expect(told.env).not.toHaveProperty('LOG_LEVEL')
})

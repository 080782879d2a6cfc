import { join } from 'node:path'
import { expect, test } from 'vitest'
import { box } from './support.ts'

const gateway = (root: string) => [join(root, 'scripts/gateway.sh')]

test('the gateway starts in the workspace, with its state and configuration on the volume, and bounded memory', async () => {
  const b = box()
  const told = await b.tell(gateway(b.root), {
    RAILWAY_VOLUME_MOUNT_PATH: b.state,
    OPENCLAW_GATEWAY_TOKEN: 'the gateway token',
    OPENROUTER_API_KEY: 'the key',
    OPENCLAW_GATEWAY_PORT: '18999',
  })
  expect(told.args).toEqual(['gateway', 'run', '--port', '18999'])
  expect(told.cwd).toBe(join(b.state, 'workspace'))
  expect(told.node).toContain('--max-old-space-size=768')
  expect(told.env).toMatchObject({
    HOME: join(b.state, 'openclaw/home'),
    OPENCLAW_STATE_DIR: join(b.state, 'openclaw'),
    OPENCLAW_CONFIG_PATH: join(b.state, 'openclaw/openclaw.json'),
    OPENCLAW_CONFIG_READONLY: '1',
    OPENCLAW_NO_AUTO_UPDATE: '1',
    OPENCLAW_OFFLINE: '1',
  })
  expect(JSON.parse(b.file('openclaw/openclaw.json'))).toMatchObject({
    gateway: {},
    logging: { file: join(b.state, 'openclaw/logs/gateway.log') },
  })
})

test('what commands the box stays out of the gateway, even where it is started by hand', async () => {
  const b = box()
  const told = await b.tell(gateway(b.root), {
    OPENCLAW_STATE_DIR: b.state,
    OPENCLAW_GATEWAY_TOKEN: 'the gateway token',
    INSTANCE_CONTROL_TOKEN: 'the control token',
    SETUP_PASSWORD: 'the password',
  })
  expect(JSON.stringify(told.env)).not.toMatch(/the control token|the password/)
})

test('without a token there is no gateway', async () => {
  const b = box()
  const { code, stderr } = await b.run(gateway(b.root), { OPENCLAW_STATE_DIR: b.state })
  expect([code, stderr]).toEqual([78, expect.stringContaining('OPENCLAW_GATEWAY_TOKEN is missing')])
})

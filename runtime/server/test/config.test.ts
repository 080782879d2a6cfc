import { existsSync, fstatSync, openSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger, systemClock } from '@convos/kit'
import { scoped, temporaryFolder } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createAgent } from '../src/agent.ts'
import { overlaidModel, readConfig, withHandedOver } from '../src/config.ts'
import { limits } from '../src/limits.ts'
import { readState, writeState } from '../src/state/files.ts'

const env = {
  PATH: '/usr/bin',
  INSTANCE_ID: 'abcdefghijkl',
  INSTANCE_CONTROL_TOKEN: 'control-token-of-a-test',
  OPENCLAW_GATEWAY_TOKEN: 'gateway-token-of-a-test',
  OPENCLAW_STATE_DIR: '/app',
}

test('the control token may come by an open file, which is closed then: no child inherits it', async () => {
  const folder = scoped(temporaryFolder('agent-config')).path
  await writeFile(join(folder, 'token'), 'control-token-by-a-pipe\n')
  const fd = openSync(join(folder, 'token'), 'r')
  const handed = withHandedOver({ ...env, INSTANCE_CONTROL_TOKEN: '', INSTANCE_CONTROL_TOKEN_FD: String(fd) })
  expect(readConfig(handed).controlToken).toBe('control-token-by-a-pipe')
  expect(() => fstatSync(fd)).toThrow('EBADF')
  expect(withHandedOver(env)).toEqual(env)
})

test('what is required is named, all at once and without values', () => {
  expect(() => readConfig({ INSTANCE_CONTROL_TOKEN: 'short' })).toThrow(
    /INSTANCE_ID: is required[\s\S]*OPENCLAW_GATEWAY_TOKEN: is required/,
  )
  expect(() => readConfig({ ...env, OPENCLAW_STATE_DIR: '' })).toThrow(
    'RAILWAY_VOLUME_MOUNT_PATH: or OPENCLAW_STATE_DIR is required',
  )
  expect(() => readConfig({ ...env, OPENCLAW_GATEWAY_TOKEN: env.INSTANCE_CONTROL_TOKEN })).toThrow('must differ')
})

test('state lies on the volume where there is one', () => {
  expect(readConfig(env).stateDir).toBe('/app/agent')
  expect(readConfig({ ...env, RAILWAY_VOLUME_MOUNT_PATH: '/data' }).stateDir).toBe('/data/agent')
})

test('the default engine is the gateway of the checkout or image that the server lies in, with a list of what it may know', () => {
  const config = readConfig({ ...env, OPENROUTER_API_KEY: 'k', SETUP_PASSWORD: 'p' })
  expect(config.engine).toBe('openclaw')
  expect(existsSync(config.gatewayScript)).toBe(true)
  expect(Object.keys(config.gatewayEnv).toSorted()).toEqual([
    'INSTANCE_ID',
    'OPENCLAW_GATEWAY_TOKEN',
    'OPENCLAW_STATE_DIR',
    'OPENROUTER_API_KEY',
    'PATH',
  ])
  expect(readConfig({ ...env, RUNTIME_ROOT: '/opt/agent' }).gatewayScript).toBe('/opt/agent/scripts/gateway.sh')
})

test('the overlay wins where it is usable', () => {
  const base = { apiUrl: 'https://a.example/v1', apiKey: null, model: 'm1' }
  expect(overlaidModel(base, { OPENROUTER_API_KEY: 'k', OPENROUTER_API_URL: 'nonsense', OTHER: 'x' })).toEqual({
    ...base,
    apiKey: 'k',
  })
})

test('a state file is replaced as a whole, and one that is not ours stops the start', async () => {
  const folder = scoped(temporaryFolder('agent-state')).path
  const file = join(folder, 'deep', 'state.json')
  const schema = z.object({ n: z.number() })
  expect(readState(file, schema)).toBeNull()
  writeState(file, { n: 1 })
  // the next write dies halfway: what it left beside the file does not count
  await writeFile(`${file}.new`, '{"n":')
  expect(readState(file, schema)).toEqual({ n: 1 })
  writeState(file, { n: 2 })
  expect(readState(file, schema)).toEqual({ n: 2 })
  expect(await readdir(join(folder, 'deep'))).toEqual(['state.json'])

  await mkdir(join(folder, 'agent'))
  await writeFile(join(folder, 'agent', 'binding.json'), '{"claimId":')
  const config = readConfig({ ...env, AGENT_ENGINE: 'lite', OPENCLAW_STATE_DIR: folder })
  expect(() => createAgent(config, { clock: systemClock, log: createLogger('test', 'silent'), limits })).toThrow('binding.json')
})

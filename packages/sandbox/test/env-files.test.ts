import { readFile, stat } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { scoped, temporaryFolder } from '../src/testing/index.ts'
import { expect, test } from 'vitest'
import { envFile, writeEnvFile } from '../src/launcher/env-files.ts'

test('what a part runs with is read back by node as it was, by its owner only', async () => {
  const dir = scoped(temporaryFolder('env-files')).path
  const env = { URL: 'postgres://u:p@h/d', JSON: '{"A":"it is","B":"1#2"}', QUOTED: `it's`, EMPTY: '' }
  const file = envFile(dir, 'services')
  writeEnvFile(file, { ...env, PATH: '/bin', HOME: '/' })
  expect(parseEnv(await readFile(file, 'utf8'))).toEqual(env)
  expect((await stat(file)).mode & 0o077).toBe(0)
})

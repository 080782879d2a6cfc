import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { envFile, writeEnvFile } from '../src/launcher/env-files.ts'

test('what a part runs with is read back by node as it was, by its owner only', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'env-files-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const env = { URL: 'postgres://u:p@h/d', JSON: '{"A":"it is","B":"1#2"}', QUOTED: `it's`, EMPTY: '' }
  const file = envFile(dir, 'services')
  writeEnvFile(file, { ...env, PATH: '/bin', HOME: '/' })
  expect(parseEnv(await readFile(file, 'utf8'))).toEqual(env)
  expect((await stat(file)).mode & 0o077).toBe(0)
})

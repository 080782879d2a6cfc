import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RUNTIME } from './support.ts'

const scripts = globSync('scripts/{*,lib/*}.sh', { cwd: RUNTIME })
const shellcheck = (input?: string) =>
  spawnSync('shellcheck', input === undefined ? ['--external-sources', ...scripts] : ['--shell=bash', '-'], {
    cwd: RUNTIME,
    encoding: 'utf8',
    input,
  })

// CI installs it; elsewhere it may be missing
test.runIf(process.env['CI'] || shellcheck('true').status === 0)('shellcheck has nothing to say', () => {
  expect(scripts.length).toBeGreaterThan(8)
  expect(shellcheck('rm -rf $1').stdout).toContain('SC2086')
  expect(shellcheck()).toMatchObject({ status: 0, stdout: '', stderr: '' })
})

/** What the documentation says that can be run on this machine is run, from the repository's root, beside a sandbox. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { localBlocks, readPages, ROOT } from './pages.ts'

const blocks = (await readPages()).flatMap(localBlocks)

let sandbox: RunningSandbox
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'convos-docs-'))
  sandbox = await startSandbox({ idle: 4, instances: 'virtual' })
}, 120_000)
afterAll(async () => {
  await sandbox.interrupt()
  await sandbox.forget()
  await rm(home, { recursive: true, force: true })
}, 60_000)

/** What the terminal beside the sandbox has; `SANDBOX` is the file that says where it listens. */
const environment = () => ({
  ...process.env,
  POOL_URL: sandbox.poolUrl,
  POOL_API_KEY: sandbox.poolApiKey,
  SANDBOX: join(sandbox.dataDir, 'sandbox.json'),
  TMPDIR: home,
})

const bash = (text: string) =>
  new Promise<{ code: unknown; output: string }>((resolve) => {
    const options = { cwd: ROOT, env: environment(), timeout: 120_000, maxBuffer: 10_000_000 }
    execFile('bash', ['-euo', 'pipefail', '-c', text], options, (err, stdout, stderr) =>
      resolve({ code: err ? (err.code ?? err.signal) : 0, output: stdout + stderr }),
    )
  })

test('the documentation has something to run', () => expect(blocks).not.toEqual([]))

test.for(blocks.map(({ where, text }) => [where, text] as const))('%s', async ([, text]) => {
  const { code, output } = await bash(text)
  expect(code, output).toBe(0)
})

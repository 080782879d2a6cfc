/** What the documentation says that can be run on this machine is run beside a sandbox, in a copy of the repository: its `.data` is nobody's yet. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { localBlocks, readPages, ROOT } from './pages.ts'

/** A page is read from its top: what one block sets, a later one has. */
const scripts = (await readPages()).flatMap((page): [file: string, script: string][] => {
  const blocks = localBlocks(page).map(({ where, text }) => `echo '== ${where}'\n${text}\n`)
  return blocks.length === 0 ? [] : [[page.file, blocks.join('\n')]]
})

let copy: string
let sandbox: RunningSandbox
beforeAll(async () => {
  copy = await copyRepository()
  sandbox = await startSandbox({ idle: 4, instances: 'virtual', dataDir: join(copy, '.data') })
}, 120_000)
afterAll(async () => {
  await sandbox?.interrupt()
  await rm(copy, { recursive: true, force: true })
}, 60_000)

/** Every file that belongs to it, as it is now; what was installed is shared. */
async function copyRepository(): Promise<string> {
  const to = await mkdtemp(join(tmpdir(), 'convos-docs-'))
  const { stdout } = await promisify(execFile)('git', ['ls-files'], { cwd: ROOT, maxBuffer: 10_000_000 })
  const files = stdout.split('\n').filter((file) => file !== '')
  await Promise.all(files.map((file) => cp(join(ROOT, file), join(to, file), { force: true })))
  const packages = files.flatMap((file) => (/(^|\/)package\.json$/.test(file) ? [dirname(file)] : []))
  for (const folder of packages) {
    const installed = join(folder, 'node_modules')
    await symlink(join(ROOT, installed), join(to, installed))
  }
  return to
}

const bash = (text: string) =>
  new Promise<{ code: unknown; output: string }>((resolve) => {
    const options = { cwd: copy, timeout: 240_000, maxBuffer: 10_000_000 }
    execFile('bash', ['-euo', 'pipefail', '-c', text], options, (err, stdout, stderr) =>
      resolve({ code: err ? (err.code ?? err.signal) : 0, output: stdout + stderr }),
    )
  })

test('the documentation has something to run', () => expect(scripts).not.toEqual([]))

test.for(scripts)('%s', async ([, script]) => {
  const { code, output } = await bash(script)
  expect(code, output).toBe(0)
})

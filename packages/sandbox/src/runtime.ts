import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

const RUNTIME = fileURLToPath(new URL('../../../runtime', import.meta.url))

/**
 * Makes sure that the OpenClaw gateway can be started from this checkout: installs what `runtime/package-lock.json` names (on first use and
 * after it changed) and bundles our extensions as the image does. `progress` is told what takes long.
 * @throws Error with the end of what the installer said
 */
export async function prepareRuntime(progress: (text: string) => void): Promise<void> {
  if (!isInstalled()) {
    progress('installing OpenClaw, about 650 MB')
    await run('npm', ['ci', '--no-audit', '--no-fund'], RUNTIME, progress)
  }
  await run(process.execPath, ['scripts/bundle.ts', '.bundle'], RUNTIME, () => {})
}

/** npm notes what it installed: exactly what is wanted now, but for what is optional, which depends on the platform. */
function isInstalled(): boolean {
  const note = join(RUNTIME, 'node_modules/.package-lock.json')
  if (!existsSync(note) || !existsSync(join(RUNTIME, 'node_modules/openclaw/openclaw.mjs'))) return false
  return isDeepStrictEqual(required(note), required(join(RUNTIME, 'package-lock.json')))
}

const Lock = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), optional: z.boolean().default(false) })),
})

function required(file: string): Record<string, string | undefined> {
  const { packages } = Lock.parse(JSON.parse(readFileSync(file, 'utf8')))
  const entries = Object.entries(packages).filter(([path, { optional }]) => path !== '' && !optional)
  return Object.fromEntries(entries.map(([path, { version }]) => [path, version]))
}

const SAID_KEPT = 20

async function run(command: string, args: string[], cwd: string, progress: (text: string) => void): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line)
      if (said.length > SAID_KEPT) said.shift()
      progress(line)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} in ${cwd} failed (${code}):\n${said.join('\n')}`)
}

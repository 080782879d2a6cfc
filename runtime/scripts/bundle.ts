import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bundle } from '@convos/deploy/bundle'
import { z } from 'zod'

/**
 * `bundle.ts OUT`: everything of ours that the image runs, each program as one file with a source map, so that the image needs no
 * workspace: `OUT/server/dist/index.js`, `OUT/openclaw/extensions/<name>/`, `OUT/openclaw/bin/<name>`.
 */
const runtime = resolve(import.meta.dirname, '..')
const out = resolve(process.argv[2] ?? 'out')

const Manifest = z.object({ name: z.string(), type: z.literal('module'), openclaw: z.unknown().optional() })

/** What a folder's package.json says to Node and to the gateway; the rest is the workspace's business. */
function writeManifest(from: string, to: string): void {
  const { name, type, openclaw } = Manifest.parse(JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')))
  writeFileSync(join(to, 'package.json'), JSON.stringify({ name, type, openclaw }))
}

const folders = (path: string) =>
  existsSync(path) ? readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])) : []

await bundle({ input: join(runtime, 'server/src/index.ts'), file: join(out, 'server/dist/index.js') })
writeManifest(join(runtime, 'server'), join(out, 'server'))

const extensions = join(runtime, 'openclaw/extensions')
for (const name of folders(extensions)) {
  const [from, to] = [join(extensions, name), join(out, 'openclaw/extensions', name)]
  // the gateway gives its plugins its own SDK
  await bundle({ input: join(from, 'src/index.ts'), file: join(to, 'dist/index.js'), external: [/^openclaw\//] })
  writeManifest(from, to)
  cpSync(join(from, 'openclaw.plugin.json'), join(to, 'openclaw.plugin.json'))
}

// a command is an executable without an ending, which Node takes for a module by the folder's package.json
const bin = join(runtime, 'openclaw/bin')
const target = join(out, 'openclaw/bin')
mkdirSync(target, { recursive: true })
if (existsSync(bin)) writeManifest(bin, target)
for (const entry of existsSync(bin) ? readdirSync(bin, { withFileTypes: true }) : []) {
  if (!entry.isFile() || entry.name.includes('.')) continue
  await bundle({ input: join(bin, entry.name), file: join(target, entry.name) })
  chmodSync(join(target, entry.name), 0o755)
}

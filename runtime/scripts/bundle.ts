import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { z } from 'zod'

/**
 * `bundle.ts OUT`: everything of ours that the image runs, each program as one file with a source map, so that the image needs no
 * workspace: `OUT/server/dist/index.js`, `OUT/openclaw/extensions/<name>/`, `OUT/openclaw/bin/<name>`.
 */
const runtime = resolve(import.meta.dirname, '..')
const out = resolve(process.argv[2] ?? 'out')

const Manifest = z.object({ name: z.string(), type: z.literal('module'), openclaw: z.unknown().optional() })

async function bundle(input: string, file: string): Promise<void> {
  const build = await rolldown({
    input,
    platform: 'node',
    tsconfig: false,
    // the gateway gives its plugins its own SDK; a native driver that nobody installed is left to fail where it is asked for
    external: [/^openclaw\//, 'pg-native'],
    // an import that is not found would be left for the image to fail on
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message)
      if (level === 'warn') report(level, log)
    },
  })
  await build.write({ file, sourcemap: true, codeSplitting: false })
}

/** What a folder's package.json says to Node and to the gateway; the rest is the workspace's business. */
function writeManifest(from: string, to: string): void {
  const { name, type, openclaw } = Manifest.parse(JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')))
  writeFileSync(join(to, 'package.json'), JSON.stringify({ name, type, openclaw }))
}

const folders = (path: string) =>
  existsSync(path) ? readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])) : []

await bundle(join(runtime, 'server/src/index.ts'), join(out, 'server/dist/index.js'))
writeManifest(join(runtime, 'server'), join(out, 'server'))

const extensions = join(runtime, 'openclaw/extensions')
for (const name of folders(extensions)) {
  const [from, to] = [join(extensions, name), join(out, 'openclaw/extensions', name)]
  await bundle(join(from, 'src/index.ts'), join(to, 'dist/index.js'))
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
  await bundle(join(bin, entry.name), join(target, entry.name))
  chmodSync(join(target, entry.name), 0o755)
}

import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { bundle } from './bundle.ts'

/**
 * `service.ts pool|services OUT`: what the image of a service is made of, in the repository's folders: every program that a script starts, each as
 * `OUT/<service>/dist/…` where its source is `<service>/src/…`, and the files that they read.
 */
const root = resolve(import.meta.dirname, '../../..')

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  type: z.literal('module'),
  scripts: z.record(z.string(), z.string()),
})
const manifestOf = (folder: string) => Manifest.parse(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')))

/** What they read at run time, beside their own manifest. */
export const FILES = {
  pool: ['pool/migrations', 'pool/src/docs-page', 'dashboard/dist', 'packages/kit/migrations'],
  services: ['services/migrations', 'services/src/infra/railway', 'packages/kit/migrations'],
}

type Service = keyof typeof FILES

/** The sources that scripts start, below the service's `src`, without their ending: those of its own, and of the repository's root. */
export function programsOf(service: Service): string[] {
  const commands = [...Object.values(manifestOf(service).scripts), ...Object.values(manifestOf('.').scripts)]
  const started = commands.flatMap((command) => {
    const [, folder, path] = /(?:^|\s)(?:(\w+)\/)?src\/(\S+)\.ts\b/.exec(command) ?? []
    return path !== undefined && (folder ?? service) === service ? [path] : []
  })
  return [...new Set(started)].toSorted()
}

async function assemble(service: Service, out: string): Promise<void> {
  for (const program of programsOf(service)) {
    const [input, file] = [join(root, service, 'src', `${program}.ts`), join(out, service, 'dist', `${program}.js`)]
    await bundle({ input, file, tree: { from: root, to: out } })
  }
  for (const path of FILES[service])
    cpSync(join(root, path), join(out, path), { recursive: true, filter: (file) => !file.endsWith('.ts') })
  const { name, version, type } = manifestOf(service)
  writeFileSync(join(out, service, 'package.json'), JSON.stringify({ name, version, type }))
}

if (import.meta.main) {
  const [service, out] = z.tuple([z.enum(['pool', 'services']), z.string()]).parse(process.argv.slice(2))
  await assemble(service, resolve(out))
}

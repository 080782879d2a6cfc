import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Builder } from './builder.ts'
import { assignments, background, command, each } from './command.ts'
import { layersOf } from './layers.ts'

const Inspected = z.object({
  OCIv1: z.object({ config: z.object({ User: z.string().default('root'), Entrypoint: z.array(z.string()).min(1) }) }),
})

/** Buildah without an engine: a change of root instead of namespaces, so that it works within a container too. */
export const buildahBuilder = (): Builder => ({
  name: 'buildah',
  async build({ context, file, tag, args }) {
    const given = each('--build-arg', assignments(args))
    // the OCI format has no place for a health check
    const how = ['--isolation=chroot', '--format=docker', '--layers']
    await command('buildah', ['bud', ...how, ...given, '--file', file, '--tag', tag, context])
  },
  async run({ image, user, command: start, env, volume, readable }) {
    // it applies neither entry point nor user by itself
    const { config } = Inspected.parse(
      JSON.parse(await command('buildah', ['inspect', '--type', 'image', image], { quiet: true })),
    ).OCIv1
    const container = await command('buildah', ['from', image], { quiet: true })
    const { child, output, exited } = background('buildah', [
      'run',
      '--isolation=chroot',
      `--user=${user ?? config.User}`,
      ...each('--volume', [`${volume}:/data`, `${readable}:${readable}:ro`]),
      ...each('--env', assignments(env)),
      container,
      '--',
      ...(start ?? config.Entrypoint),
    ])
    return {
      output,
      exited: exited.then(async (code) => {
        await command('buildah', ['rm', container], { quiet: true })
        return code
      }),
      stop() {
        const init = descendants(child.pid ?? 0).find(({ name }) => name === 'tini')
        if (!init) throw new Error(`the box has no init: ${output().slice(-2000)}`)
        process.kill(init.pid, 'SIGTERM')
        return Promise.resolve()
      },
    }
  },
  layers: (image) => layersOf((folder) => command('buildah', ['push', '--quiet', image, `oci:${folder}:image`], { quiet: true })),
})

interface Running {
  pid: number
  parent: number
  name: string
}

/** Every process below `root`, as /proc knows them. */
function descendants(root: number): Running[] {
  const all = readdirSync('/proc').flatMap((entry): Running[] => {
    if (!/^\d+$/.test(entry)) return []
    try {
      const [, name = '', parent = ''] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? []
      return [{ pid: Number(entry), parent: Number(parent), name }]
    } catch {
      return [] // it has ended meanwhile
    }
  })
  const below = (pid: number): Running[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)])
  return below(root)
}

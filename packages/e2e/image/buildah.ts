import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { z } from 'zod'
import { type Builder, mounts } from './builder.ts'
import { assignments, background, command, each } from './command.ts'
import { layersOf } from './layers.ts'

const Inspected = z.object({
  OCIv1: z.object({
    config: z.object({
      User: z.string().default('root'),
      WorkingDir: z.string().default('/'),
      Entrypoint: z.array(z.string()).default([]),
      Cmd: z.array(z.string()).nullish(),
    }),
  }),
})

/** Buildah without an engine: a change of root instead of namespaces, so that it works within a container too. */
export const buildahBuilder = (): Builder => ({
  name: 'buildah',
  async build({ context, file, tag, args }) {
    const given = each('--build-arg', assignments(args))
    // the OCI format has no place for a health check; with `--layers` an image may keep the value that an argument had in an earlier build
    const how = ['--isolation=chroot', '--format=docker']
    await command('buildah', ['bud', ...how, ...given, '--file', file, '--tag', tag, context])
  },
  async run(options) {
    const { image, user, command: start, env } = options
    // it applies neither user, folder nor start by itself
    const { config } = Inspected.parse(
      JSON.parse(await command('buildah', ['inspect', '--type', 'image', image], { quiet: true })),
    ).OCIv1
    const container = await command('buildah', ['from', image], { quiet: true })
    const { child, output, exited } = background('buildah', [
      'run',
      '--isolation=chroot',
      `--user=${user ?? config.User}`,
      `--workingdir=${config.WorkingDir || '/'}`,
      ...each('--volume', mounts(options)),
      ...each('--env', assignments(env)),
      container,
      '--',
      ...(start ?? [...config.Entrypoint, ...(config.Cmd ?? [])]),
    ])
    return {
      output,
      exited: exited.then(async (code) => {
        await command('buildah', ['rm', container], { quiet: true })
        return code
      }),
      stop() {
        const init = descendants(child.pid ?? 0).find(({ program }) => !/\/(memfd:)?buildah[^/]*$/.test(program))
        if (!init) return Promise.reject(new Error(`nothing runs in the box: ${output().slice(-2000)}`))
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
  /** The file it runs. */
  program: string
}

/** Every process below `root`, as /proc knows them, those nearest to it first. */
function descendants(root: number): Running[] {
  const all = readdirSync('/proc').flatMap((entry): Running[] => {
    if (!/^\d+$/.test(entry)) return []
    try {
      const [, parent = ''] = /^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? []
      return [{ pid: Number(entry), parent: Number(parent), program: readlinkSync(`/proc/${entry}/exe`) }]
    } catch {
      return [] // it has ended meanwhile
    }
  })
  const below = (pids: number[]): Running[] => {
    const children = all.filter(({ parent }) => pids.includes(parent))
    return children.length === 0 ? [] : [...children, ...below(children.map(({ pid }) => pid))]
  }
  return below([root])
}

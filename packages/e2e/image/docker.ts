import { randomBytes } from 'node:crypto'
import { type Builder, mounts } from './builder.ts'
import { assignments, background, command, each } from './command.ts'
import { layersOf } from './layers.ts'

/** Docker, and podman, which takes the same words. */
export const dockerBuilder = (bin: 'docker' | 'podman'): Builder => ({
  name: bin,
  async build({ context, file, tag, args }) {
    const given = each('--build-arg', assignments(args))
    // the OCI format has no place for a health check
    const format = bin === 'podman' ? ['--format', 'docker'] : []
    await command(bin, ['build', ...format, ...given, '--file', file, '--tag', tag, context])
  },
  run(options) {
    const { image, user, command: start, env } = options
    const name = `convos-smoke-${randomBytes(4).toString('hex')}`
    const [entrypoint, ...rest] = start ?? []
    const { output, exited } = background(bin, [
      'run',
      '--rm',
      '--network=host',
      `--name=${name}`,
      ...each('--volume', mounts(options)),
      ...each('--env', assignments(env)),
      ...(user === null ? [] : ['--user', user]),
      ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]),
      image,
      ...rest,
    ])
    return Promise.resolve({
      output,
      exited,
      stop: async () => void (await command(bin, ['kill', '--signal', 'TERM', name], { quiet: true })),
    })
  },
  layers: (image) =>
    layersOf(async (folder) => {
      if (bin === 'podman') await command(bin, ['push', '--quiet', image, `oci:${folder}`], { quiet: true })
      else await command('skopeo', ['copy', '--quiet', `docker-daemon:${image}`, `oci:${folder}`], { quiet: true })
    }),
})

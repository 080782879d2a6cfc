import { buildahBuilder } from './buildah.ts'
import type { Builder } from './builder.ts'
import { isInstalled } from './command.ts'
import { dockerBuilder } from './docker.ts'

const BUILDERS = ['docker', 'podman', 'buildah'] as const
type Name = (typeof BUILDERS)[number]

const create = (name: Name): Builder => (name === 'buildah' ? buildahBuilder() : dockerBuilder(name))

/** The one asked for, or the first that is installed. Throws when there is none. */
export async function chooseBuilder(asked: string | undefined): Promise<Builder> {
  for (const name of BUILDERS) if (asked === name || (asked === undefined && (await isInstalled(name)))) return create(name)
  throw new Error(
    asked === undefined ? `none of ${BUILDERS.join(', ')} is installed` : `--builder is one of ${BUILDERS.join(', ')}`,
  )
}

import { dirname, join, relative } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

export interface Program {
  /** Its source. */
  input: string
  /** Where it is to be. */
  file: string
  /** What is left for whoever runs it to provide. */
  external?: (string | RegExp)[]
  /** Folders of ours: the repository, and where the image has it; absent: the program reads nothing that lies beside its source. */
  tree?: { from: string; to: string }
}

/**
 * Makes one file, with a source map, of a program and everything it imports, so that an image needs no workspace. Answers the paths of all sources in it.
 * @throws Error when an import is not found, which would otherwise be left for the image to fail on
 */
export async function bundle({ input, file, external = [], tree }: Program): Promise<string[]> {
  const build = await rolldown({
    input,
    platform: 'node',
    tsconfig: false,
    // a native driver that nobody installed is left to fail where it is asked for
    external: ['pg-native', ...external],
    plugins: tree ? [inPlace({ input, file, tree })] : [],
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message)
      if (level === 'warn') report(level, log)
    },
  })
  const { output } = await build.write({ file, sourcemap: true, codeSplitting: false })
  await build.close()
  return output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []))
}

/**
 * In one file, each module would take itself for the program, and would look beside that file for what lies beside its source. So it is told
 * where it would be if the image had the repository's folders.
 */
const inPlace = ({ input, file, tree }: Required<Pick<Program, 'input' | 'file' | 'tree'>>): Plugin => ({
  name: 'in-place',
  transform(code, id) {
    if (id.includes('/node_modules/') || !id.startsWith(`${tree.from}/`) || !code.includes('import.meta')) return null
    const place = relative(dirname(file), join(tree.to, relative(tree.from, id)))
    const moved = code
      .replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`)
      .replaceAll('import.meta.main', id === input ? 'import.meta.main' : 'false')
    // every line stays where it was
    return { code: moved, map: null }
  },
})

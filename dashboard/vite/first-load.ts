import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const LIMIT_KB = 150
const FIRST_PAGE = /\/claim\/ClaimPage\.tsx$/

/** Says how much JavaScript the first look at the dashboard loads, gzipped, and fails the build when that is too much. */
export const firstLoad = (): Plugin => ({
  name: 'first-load',
  apply: 'build',
  generateBundle(_options, bundle) {
    const chunks = new Map(Object.values(bundle).flatMap((one) => (one.type === 'chunk' ? [[one.fileName, one] as const] : [])))
    const loaded = new Set<string>()
    const load = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      chunks.get(file)?.imports.forEach(load)
    }
    const firstPage = [...chunks.values()].find(({ facadeModuleId }) => facadeModuleId && FIRST_PAGE.test(facadeModuleId))
    if (!firstPage) this.error('the first page is not where it was: tell first-load where it is')
    for (const { fileName, isEntry } of chunks.values()) if (isEntry || fileName === firstPage.fileName) load(fileName)
    const bytes = [...loaded].reduce((sum, file) => sum + gzipSync(chunks.get(file)?.code ?? '', { level: 9 }).length, 0)
    const said = `first load: ${(bytes / 1000).toFixed(1)} kB of JavaScript, gzipped; the limit is ${LIMIT_KB} kB`
    if (bytes > LIMIT_KB * 1000) this.error(said)
    this.info(said)
  },
})

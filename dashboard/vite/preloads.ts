import type { Plugin } from 'vite'
import { PAGES } from '../src/pages.ts'

/**
 * Lays down which files each page is made of, those of every page first: pool names them with the page, so that they all come at
 * once. Without that a page's own are asked for when the first script runs.
 */
export const preloads = (): Plugin => ({
  name: 'preloads',
  apply: 'build',
  generateBundle(_options, bundle) {
    const chunks = new Map(Object.values(bundle).flatMap((one) => (one.type === 'chunk' ? [[one.fileName, one] as const] : [])))
    const everywhere = [...chunks.values()].filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName)
    const styles = Object.keys(bundle).filter((file) => file.endsWith('.css'))
    const filesOf = (name: string): string[] => {
      const page = [...chunks.values()].find(({ facadeModuleId }) => facadeModuleId?.endsWith(`/${name}Page.tsx`))
      if (!page) this.error(`the page ${name} is not where it was: tell preloads where it is`)
      const files = new Set([...everywhere, ...styles, page.fileName])
      for (const file of files) for (const imported of chunks.get(file)?.imports ?? []) files.add(imported)
      return [...files].map((file) => `/${file}`)
    }
    const source = JSON.stringify(Object.fromEntries(PAGES.map(({ to, name }) => [to, filesOf(name)])))
    this.emitFile({ type: 'asset', fileName: 'preloads.json', source })
  },
})

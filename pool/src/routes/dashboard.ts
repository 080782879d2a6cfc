import { access, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type RequestHandler, Router } from 'express'
import { z } from 'zod'
import { PAGE_POLICY } from './policy.ts'

const DIST = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url))

/** What the build has laid down packed, the smallest first. */
const PACKED = { '.br': 'br', '.gz': 'gzip' } as const

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** Leads to the packed file whoever takes it so: a phone loads a quarter. */
const toPacked =
  (dist: string): RequestHandler =>
  async (req, res, next) => {
    if (!/^\/assets\/[\w.-]+\.(js|css)$/.test(req.path)) return next()
    res.vary('Accept-Encoding')
    for (const [suffix, encoding] of Object.entries(PACKED)) {
      if (req.acceptsEncodings(encoding) && (await isThere(join(dist, req.path + suffix)))) {
        req.url = req.path + suffix
        break
      }
    }
    next()
  }

const Preloads = z.record(z.string(), z.array(z.string()))
const WHO_IS_LOOKING = '</api/session>; rel=preload; as=fetch; crossorigin'

/** What the page at a path begins with, as the build has noted it: all of it comes at once, and who is looking with it. */
async function linksOf(dist: string, path: string): Promise<string[]> {
  const noted = await readFile(join(dist, 'preloads.json'), 'utf8').catch(() => '{}')
  const files = Preloads.parse(JSON.parse(noted))[path]
  const asStyle = (file: string) => (file.endsWith('.css') ? 'preload; as=style' : 'modulepreload')
  return files ? [...files.map((file) => `<${file}>; rel=${asStyle(file)}`), WHO_IS_LOOKING] : []
}

/** The dashboard: its files as they were built, and its page for every path that is not a file or the API. */
export function dashboard(dist: string = DIST) {
  const page: RequestHandler = async (req, res) => {
    const built = await isThere(join(dist, 'index.html'))
    res.set({ 'Content-Security-Policy': PAGE_POLICY, 'Cache-Control': 'no-store', Link: await linksOf(dist, req.path) })
    if (built) res.sendFile('index.html', { root: dist, cacheControl: false })
    else res.status(404).type('text').send('The dashboard is not built. Build it with: npx -y pnpm@12 dashboard:build\n')
  }
  const files = express.static(dist, {
    index: false,
    redirect: false,
    // file names below assets/ hold a hash of their content
    setHeaders: (res, path) => {
      const hashed = path.startsWith(join(dist, 'assets'))
      res.setHeader('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      res.setHeader('Content-Security-Policy', PAGE_POLICY)
      const suffix = extname(path)
      if (!(suffix in PACKED)) return
      res.setHeader('Content-Encoding', PACKED[suffix as keyof typeof PACKED])
      res.type(extname(path.slice(0, -suffix.length)))
    },
  })
  return Router()
    .use(toPacked(dist), files)
    .get('/', page)
    .get('/{*path}', (req, res, next) =>
      /^\/(api|assets)(\/|$)/.test(req.path) || /\.\w+$/.test(req.path) ? next() : page(req, res, next),
    )
}

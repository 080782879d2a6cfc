import { access } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type RequestHandler, Router } from 'express'
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

/** The dashboard: its files as they were built, and its page for every path that is not a file or the API. */
export function dashboard(dist: string = DIST) {
  const page: RequestHandler = async (_req, res) => {
    const built = await isThere(join(dist, 'index.html'))
    res.set({ 'Content-Security-Policy': PAGE_POLICY, 'Cache-Control': 'no-store' })
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

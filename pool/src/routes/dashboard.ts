import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type RequestHandler, Router } from 'express'
import { PAGE_POLICY } from './policy.ts'

const DIST = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url))

/** The dashboard: its files as they were built, and its page for every path that is not a file or the API. */
export function dashboard(dist: string = DIST) {
  const page: RequestHandler = async (_req, res) => {
    const built = await access(join(dist, 'index.html')).then(
      () => true,
      () => false,
    )
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
    },
  })
  return Router()
    .use(files)
    .get('/', page)
    .get('/{*path}', (req, res, next) =>
      /^\/(api|assets)(\/|$)/.test(req.path) || /\.\w+$/.test(req.path) ? next() : page(req, res, next),
    )
}

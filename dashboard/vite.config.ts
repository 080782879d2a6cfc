import { readFileSync } from 'node:fs'
import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { firstLoad } from './vite/first-load.ts'
import { withoutInlineStyles } from './vite/inline-styles.ts'
import { packed } from './vite/packed.ts'
import { preloads } from './vite/preloads.ts'
import { schemasWhereNeeded, slimZod } from './vite/slim-zod.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }
const BUILD = [version, process.env['RAILWAY_GIT_COMMIT_SHA']?.slice(0, 12) ?? 'dev'].join(', ')
const POOL = 'http://localhost:3001'
// Pool accepts a session's writes from its own origin only, so the dev server speaks in that name.
const pool = { target: POOL, headers: { origin: POOL } }

export default defineConfig({
  plugins: [withoutInlineStyles(), slimZod(), schemasWhereNeeded(), tailwind(), react(), firstLoad(), preloads(), packed()],
  // which build this is, for whoever compares it with the pool's
  define: { 'import.meta.env.VITE_BUILD': JSON.stringify(BUILD) },
  server: { proxy: { '/api': pool, '/version': pool, '/healthz': pool } },
  build: {
    // The content security policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // one file of what every page needs: cut up by which pages share what, it compresses worse
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'every-page', tags: ['$initial'] }] } } },
  },
})

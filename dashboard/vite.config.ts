import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { firstLoad } from './vite/first-load.ts'
import { withoutInlineStyles } from './vite/inline-styles.ts'
import { packed } from './vite/packed.ts'
import { schemasWhereNeeded, slimZod } from './vite/slim-zod.ts'

const POOL = 'http://localhost:3001'
// Pool accepts a session's writes from its own origin only, so the dev server speaks in that name.
const pool = { target: POOL, headers: { origin: POOL } }

export default defineConfig({
  plugins: [withoutInlineStyles(), slimZod(), schemasWhereNeeded(), tailwind(), react(), firstLoad(), packed()],
  server: { proxy: { '/api': pool, '/version': pool, '/healthz': pool } },
  // The content security policy allows no data: URLs.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
})

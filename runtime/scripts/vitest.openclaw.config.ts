import { defineConfig } from 'vitest/config'

/** With what `npm ci` installs in `runtime/`. */
export default defineConfig({
  test: {
    name: 'runtime-scripts with OpenClaw',
    include: ['test/openclaw/*.openclaw.ts'],
    testTimeout: 120_000,
  },
})

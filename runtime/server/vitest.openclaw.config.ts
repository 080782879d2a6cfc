import { defineConfig } from 'vitest/config'

/** With the real gateway: takes minutes, a gigabyte of memory, and on first use the installation of `runtime/`. */
export default defineConfig({
  test: {
    name: 'openclaw',
    globalSetup: ['test/openclaw/setup.ts'],
    include: ['test/openclaw/**/*.openclaw.ts'],
    testTimeout: 400_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    maxWorkers: 1,
  },
})

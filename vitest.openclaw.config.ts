import { defineConfig } from 'vitest/config'

/** With the real gateway: minutes, a gigabyte of memory, and on first use the installation of `runtime/`. One at a time. */
export default defineConfig({
  test: {
    globalSetup: ['runtime/server/test/openclaw/setup.ts'],
    include: ['runtime/*/test/openclaw/*.openclaw.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
})

import { defineConfig } from 'vitest/config'

/** With the real gateway: takes minutes, a gigabyte of memory, and on first use the installation of `runtime/`. */
export default defineConfig({
  test: {
    name: 'openclaw',
    include: ['test/openclaw/**/*.openclaw.ts'],
    testTimeout: 400_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    maxWorkers: 1,
  },
})

import { defineConfig } from 'vitest/config'

/** Thousands of histories, and processes killed in earnest: minutes. Fewer of the histories are in the default suite. */
export default defineConfig({
  test: {
    name: 'model',
    root: import.meta.dirname,
    include: ['test/model/model.test.ts', 'test/model/processes.model.ts'],
    globalSetup: ['@convos/sandbox/testing/global-setup'],
    env: { MODEL_RUNS: process.env['MODEL_RUNS'] ?? '2000' },
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
})

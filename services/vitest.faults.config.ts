import { defineConfig } from 'vitest/config'

/** Every external call under every fault: minutes, not seconds, as real deadlines are waited out. */
export default defineConfig({
  test: {
    name: 'faults',
    root: import.meta.dirname,
    include: ['test/faults/*.faults.ts'],
    globalSetup: ['@convos/sandbox/testing/global-setup'],
    testTimeout: 900_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})

import { defineConfig } from 'vitest/config'

/** What takes longer than a default run should: interruptions at every point, roll-outs, hours of simulated time. */
export default defineConfig({
  test: {
    name: 'pool-faults',
    root: import.meta.dirname,
    include: ['test/**/*.faults.ts'],
    globalSetup: ['@convos/sandbox/testing/global-setup'],
    testTimeout: 60_000,
    hookTimeout: 30_000,
  },
})

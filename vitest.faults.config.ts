import { defineConfig } from 'vitest/config'

/** What takes minutes: every external call under every fault, and kills at random moments. One at a time, as each fills the machine. */
export default defineConfig({
  test: {
    projects: ['pool/vitest.faults.config.ts', 'services/vitest.faults.config.ts', 'packages/e2e/vitest.faults.config.ts'],
    maxWorkers: 1,
    fileParallelism: false,
  },
})

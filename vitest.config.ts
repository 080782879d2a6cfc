import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // most of the time a file waits: for child processes, for Postgres, for a deadline to pass
    maxWorkers: 4,
    projects: ['pool', 'services', 'dashboard', 'runtime/server', 'packages/kit', 'packages/sandbox', 'packages/e2e'].map(
      (folder) => `${folder}/vitest.config.ts`,
    ),
  },
})

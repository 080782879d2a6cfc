import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      'pool',
      'services',
      'dashboard',
      'runtime/server',
      'packages/kit',
      'packages/sandbox',
      'packages/e2e',
      'packages/bench',
    ].map((folder) => `${folder}/vitest.config.ts`),
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'docs',
    root: import.meta.dirname,
    include: ['test/**/*.docs.ts'],
    globalSetup: ['@convos/sandbox/testing/global-setup'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
})

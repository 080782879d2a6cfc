import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'kit',
    include: ['test/**/*.test.ts'],
    isolate: false,
    globalSetup: ['@convos/sandbox/testing/global-setup'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})

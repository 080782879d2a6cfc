import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'pool',
    include: ['test/**/*.test.ts'],
    exclude: ['test/model/**'],
    isolate: false,
    globalSetup: ['@convos/sandbox/testing/global-setup'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'runtime-scripts',
    include: ['test/**/*.test.ts'],
    isolate: false,
    testTimeout: 20_000,
  },
})

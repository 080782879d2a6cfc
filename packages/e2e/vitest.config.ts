import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { name: 'e2e', include: ['test/**/*.test.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 },
})

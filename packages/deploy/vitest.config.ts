import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { name: 'deploy', include: ['test/**/*.test.ts'], isolate: false, testTimeout: 30_000 },
})

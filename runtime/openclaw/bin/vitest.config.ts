import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { name: 'agent-commands', include: ['test/**/*.test.ts'], isolate: false, testTimeout: 20_000 },
})

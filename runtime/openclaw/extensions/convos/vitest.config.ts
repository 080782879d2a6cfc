import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { name: 'convos-channel', include: ['test/**/*.test.ts'] } })

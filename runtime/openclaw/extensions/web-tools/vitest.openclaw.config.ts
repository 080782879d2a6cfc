import { defineConfig } from 'vitest/config'

/** With the real gateway, which `runtime/` must have installed: half a minute and a gigabyte of memory. */
export default defineConfig({
  test: {
    name: 'web-tools with OpenClaw',
    include: ['test/openclaw/*.openclaw.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    maxWorkers: 1,
  },
})

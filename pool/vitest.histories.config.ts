import { defineConfig } from 'vitest/config'

/** Apart from the other tests: it draws the ids of pool itself, which no other file must see. */
export default defineConfig({
  test: {
    name: 'pool-histories',
    root: import.meta.dirname,
    include: ['test/model/*.test.ts'],
    globalSetup: ['@convos/sandbox/testing/global-setup'],
    hookTimeout: 60_000,
  },
})

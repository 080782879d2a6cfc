import { defineConfig } from 'vitest/config'

/** With the real gateway: minutes, a gigabyte of memory, and on first use the installation of `runtime/`. One at a time. */
export default defineConfig({
  test: {
    globalSetup: ['runtime/server/test/openclaw/setup.ts'],
    projects: ['runtime/server', 'runtime/scripts', 'runtime/openclaw/extensions/web-tools'].map(
      (folder) => `${folder}/vitest.openclaw.config.ts`,
    ),
    maxWorkers: 1,
    fileParallelism: false,
  },
})

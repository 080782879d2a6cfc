import { defineConfig } from '@playwright/test'
import { chromiumPath } from './browser/chromium.ts'

/** One browser, one sandbox, artifacts in `.artifacts/e2e` at the root. */
export default defineConfig({
  testDir: './browser',
  testMatch: '*.spec.ts',
  outputDir: '../../.artifacts/e2e',
  timeout: 90_000,
  workers: 1,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    screenshot: 'on',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: await chromiumPath(),
      args: [
        '--no-sandbox',
        '--disable-dev-shm-usage',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})

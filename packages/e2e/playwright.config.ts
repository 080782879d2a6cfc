import { defineConfig } from '@playwright/test'
import { chromiumPath } from './browser/support/chromium.ts'

/** One browser, one sandbox, artifacts in `.artifacts/e2e` at the root. */
export default defineConfig({
  testDir: './browser',
  testMatch: '*.spec.ts',
  outputDir: '../../.artifacts/e2e',
  timeout: 180_000,
  expect: { timeout: 10_000 },
  workers: 1,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    screenshot: 'only-on-failure',
    // films every frame otherwise, which is what one test measures
    trace: { mode: 'retain-on-failure', screenshots: false },
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

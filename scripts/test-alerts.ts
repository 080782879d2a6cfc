/** Checks the alert rules and runs their unit tests with promtool, which comes with Prometheus. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../docs/ops', import.meta.url))
const CHECKS = [
  ['check', 'rules', 'alerts.rules.yml'],
  ['check', 'config', '--syntax-only', 'prometheus.yml'],
  ['test', 'rules', 'alerts.test.yml'],
]

for (const args of CHECKS) {
  const { error, status } = spawnSync('promtool', args, { cwd: folder, stdio: 'inherit' })
  if (error) {
    console.error(
      'code' in error && error.code === 'ENOENT'
        ? 'promtool is not on the PATH: it comes with Prometheus (Debian: apt-get install prometheus; macOS: brew install prometheus)'
        : `promtool cannot be run: ${error.message}`,
    )
    process.exit(1)
  }
  if (status !== 0) process.exit(status ?? 1)
}

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Descriptor } from './descriptor.ts'
import type { Display } from './display.ts'
import type { StartOptions } from './options.ts'

/** What a newcomer needs next: where to look, with which key, and what to type. */
export function printWelcome(display: Display, { poolUrl, poolApiKey, loginUrl }: Descriptor, { real }: StartOptions): void {
  const lines = [
    '',
    `  Dashboard   ${loginUrl}`,
    `  API key     ${poolApiKey}`,
    ...(real.length > 0 ? [`  Real        ${real.join(', ')}: this can cost money`] : []),
    '',
    '  Try it:',
    `    curl ${poolUrl}/api/pool/counts`,
    `    curl -X POST ${poolUrl}/api/pool/claim -H 'Authorization: Bearer ${poolApiKey}' \\`,
    `      -H 'Content-Type: application/json' -d '{"agentName":"Tokyo guide","instructions":"You plan trips to Tokyo."}'`,
    `    curl ${poolUrl}/api/pool/status -H 'Authorization: Bearer ${poolApiKey}'`,
    '',
    '  Ctrl-C stops everything; the data is kept.',
    '',
  ]
  for (const line of lines) display.line(line)
}

export function openBrowser(url: string): void {
  const command = process.platform === 'darwin' ? 'open' : 'xdg-open'
  if (process.platform === 'darwin' || existsSync('/usr/bin/xdg-open'))
    spawn(command, [url], { stdio: 'ignore', detached: true }).unref()
}

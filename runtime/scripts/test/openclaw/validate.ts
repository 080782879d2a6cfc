import { createRequire } from 'node:module'
import { join } from 'node:path'

/**
 * `validate.ts RUNTIME FILE…`: what OpenClaw has to say of each configuration, as one JSON document. It is what `openclaw config validate`
 * asks, many at once, as most of that command's time is its start.
 */
interface Snapshot {
  valid: boolean
  issues: { path: string; message: string }[]
  warnings: { path: string; message: string }[]
}

const [runtime = '', ...files] = process.argv.slice(2)
const health = createRequire(join(runtime, 'package.json')).resolve('openclaw/plugin-sdk/health')
const { readConfigFileSnapshot } = (await import(health)) as { readConfigFileSnapshot(): Promise<Snapshot> }

const said: Snapshot[] = []
for (const file of files) {
  process.env['OPENCLAW_CONFIG_PATH'] = file
  const { valid, issues, warnings } = await readConfigFileSnapshot()
  said.push({ valid, issues, warnings })
}
process.stdout.write(`\n${JSON.stringify(said)}\n`)
process.exit()

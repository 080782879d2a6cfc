import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gatewayConfig } from './gateway-config.ts'
import type { Json } from './template.ts'
import { syncWorkspace } from './workspace.ts'

/**
 * `prepare.ts SOURCE STATE WORKSPACE`: before the gateway starts. Brings the workspace up to date, makes the configuration from the environment,
 * and puts it in place as a whole.
 */
const [source = '', state = '', workspace = ''] = process.argv.slice(2)

const kept = syncWorkspace({ seed: join(source, 'workspace'), workspace, manifest: join(state, 'workspace.sha256') })
if (kept.length > 0) console.error(`runtime: changed in the workspace, and so kept: ${kept.join(', ')}`)

const template = JSON.parse(readFileSync(join(source, 'openclaw.json'), 'utf8')) as Json
// from a checkout: of each plugin the gateway copies the whole folder at its start, so those with sources and node_modules are not for it
const bundle = join(source, '../.bundle')
const bundled = existsSync(bundle) ? { RUNTIME_ROOT: bundle } : {}
const given = { GATEWAY_STATE: state, OPENCLAW_WORKSPACE_DIR: workspace, NODE_FOLDER: dirname(process.execPath) }
const config = gatewayConfig(template, { ...process.env, ...bundled, ...given })
const target = join(state, 'openclaw.json')
const draft = `${target}.${process.pid}.tmp`
writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
renameSync(draft, target)

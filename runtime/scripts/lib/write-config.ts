import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { gatewayConfig } from './gateway-config.ts'
import type { Json } from './template.ts'

/** `write-config.ts TEMPLATE TARGET`: makes the gateway's configuration from the environment, and puts it in place as a whole. */
const [template = '', target = ''] = process.argv.slice(2)
const config = gatewayConfig(JSON.parse(readFileSync(template, 'utf8')) as Json, process.env)
const draft = `${target}.${process.pid}.tmp`
writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
renameSync(draft, target)

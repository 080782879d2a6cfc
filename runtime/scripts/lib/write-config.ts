import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { DEFAULT_MODEL, modelRef } from './model-ref.ts'
import { fillIn, type Json } from './template.ts'

/** `write-config.ts TEMPLATE TARGET`: the gateway's configuration, made from the environment and put in place as a whole. */
const [template = '', target = ''] = process.argv.slice(2)
const { OPENROUTER_API_KEY, OPENROUTER_API_URL, OPENCLAW_PRIMARY_MODEL, ANTHROPIC_API_KEY } = process.env
const onlyAnthropic = Boolean(ANTHROPIC_API_KEY) && !OPENROUTER_API_KEY

const config = fillIn(JSON.parse(readFileSync(template, 'utf8')) as Json, {
  ...process.env,
  OPENROUTER_API_URL: OPENROUTER_API_URL || 'https://openrouter.ai/api/v1',
  MODEL_REF: modelRef(OPENCLAW_PRIMARY_MODEL || DEFAULT_MODEL, onlyAnthropic),
})

const draft = `${target}.${process.pid}.tmp`
writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
renameSync(draft, target)

import { DEFAULT_MODEL, modelRef } from './model-ref.ts'
import { fillIn, type Json, type Vars } from './template.ts'

/** The gateway's configuration, of its template and a box's environment. */
export function gatewayConfig(template: Json, env: Vars): Json {
  const onlyAnthropic = Boolean(env['ANTHROPIC_API_KEY']) && !env['OPENROUTER_API_KEY']
  return fillIn(template, {
    ...env,
    OPENROUTER_API_URL: env['OPENROUTER_API_URL'] || 'https://openrouter.ai/api/v1',
    MODEL_REF: modelRef(env['OPENCLAW_PRIMARY_MODEL'] || DEFAULT_MODEL, onlyAnthropic),
  })
}

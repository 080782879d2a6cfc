import { anthropicName, DEFAULT_MODEL } from '@convos/runtime-scripts/model-ref'
import { AgentFailed } from './failed.ts'
import type { ModelSource } from './settings.ts'

/** A model in the gateway's two words. */
export interface Model {
  provider: ModelSource
  name: string
}

/**
 * The model that a claim asks for, as OpenRouter names it (`<vendor>/<model>`, also behind `openrouter/`); null where the gateway decides itself.
 * @throws AgentFailed 404 where the only source has no such model: another one in its place would not be what was asked for
 */
export function claimedModel(asked: string | null, source: ModelSource): Model | null {
  if (asked === null) return null
  if (source === 'openrouter') return { provider: source, name: asked.replace(/^openrouter\/(?=[^/]+\/)/, '') }
  if (asked === DEFAULT_MODEL) return null
  const name = anthropicName(asked)
  if (name === null) throw new AgentFailed(`${asked} cannot be asked for: this box has a key of Anthropic only`, 404)
  return { provider: source, name }
}

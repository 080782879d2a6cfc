/** The model when the box names none: OpenRouter chooses. */
export const DEFAULT_MODEL = 'openrouter/auto'
const DEFAULT_OF_ANTHROPIC = 'claude-sonnet-4-6'

/**
 * How OpenClaw names a model: `<provider>/<the provider's own name>`. Boxes and claims name it as OpenRouter does
 * (`anthropic/claude-sonnet-4.5`), which is then behind `openrouter/`; OpenRouter's own (`openrouter/auto`) already have that. Where Anthropic
 * is the only source, its models are asked for under the names it gives them itself.
 */
export function modelRef(model: string, onlyAnthropic = false): string {
  if (!onlyAnthropic) return model.startsWith('openrouter/') ? model : `openrouter/${model}`
  return `anthropic/${anthropicName(model) ?? DEFAULT_OF_ANTHROPIC}`
}

/** Anthropic's own name for one of its models, `claude-sonnet-4-5`; null for what is none. */
export const anthropicName = (model: string): string | null =>
  /^(?:openrouter\/)?anthropic\/(.+)$/.exec(model)?.[1]?.replaceAll('.', '-') ?? null

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
  const [, name = DEFAULT_OF_ANTHROPIC] = /^(?:openrouter\/)?anthropic\/(.+)$/.exec(model) ?? []
  return `anthropic/${name.replaceAll('.', '-')}`
}

/**
 * How OpenClaw names a model. A claim names it as OpenRouter does (`anthropic/claude-sonnet-4.5`); OpenClaw wants the provider in front
 * (`openrouter/anthropic/claude-sonnet-4.5`). OpenRouter's own (`openrouter/auto`) and what has the provider already stay as they are.
 */
export const modelRef = (model: string): string => (model.startsWith('openrouter/') ? model : `openrouter/${model}`)

/** The model when the box names none: OpenRouter chooses. */
export const DEFAULT_MODEL = 'openrouter/auto'

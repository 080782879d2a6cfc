const OFFERED = [
  ['anthropic/claude-sonnet-4.5', 'Anthropic: Claude Sonnet 4.5'],
  ['google/gemini-2.5-flash', 'Google: Gemini 2.5 Flash'],
  ['openai/gpt-5', 'OpenAI: GPT-5'],
  ['openrouter/auto', 'Auto Router'],
] as const

/** What `GET /models` lists: a handful of well-known names. A completion may name any model; all answer alike. */
export function modelList() {
  const data = OFFERED.map(([id, name]) => ({
    id,
    canonical_slug: id,
    name,
    created: 1_735_689_600,
    description: 'Answered by the sandbox.',
    context_length: 200_000,
    architecture: { modality: 'text->text', input_modalities: ['text'], output_modalities: ['text'], tokenizer: 'Other' },
    pricing: { prompt: '0', completion: '0', request: '0.001' },
    top_provider: { context_length: 200_000, max_completion_tokens: 8_192, is_moderated: false },
    per_request_limits: null,
    supported_parameters: ['max_tokens', 'temperature'],
    default_parameters: null,
    supported_voices: null,
    links: { details: `/api/v1/models/${id}/endpoints` },
  }))
  return { data, links: { next: null }, total_count: data.length }
}

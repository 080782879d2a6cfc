export const PROVIDERS = ['railway', 'openrouter', 'agentmail', 'telnyx', 'bankr', 'ghcr', 'convos'] as const
export type ProviderName = (typeof PROVIDERS)[number]

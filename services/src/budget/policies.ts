/** Whom we ask for anything, and so keep to the limits of. */
export const PROVIDERS = ['railway', 'openrouter', 'agentmail', 'telnyx', 'bankr', 'ghcr'] as const
export type Provider = (typeof PROVIDERS)[number]

export interface Policy {
  /** Requests that may begin within any one second, per process. */
  perSecond: number
  /** Requests at a time, per process. */
  concurrent: number
  /** Requests per hour, over all replicas; null: the provider has no such limit. */
  perHour: number | null
}

/** Railway's documented plans allow 10 a second with 1000 an hour, 50 with 10 000. */
const railwayPerSecond = (perHour: number): number => Math.max(10, Math.round(perHour / 200))

/** What each provider is known to bear; those that publish nothing get what we need with room to spare. */
export const policies = (p: { railwayPerHour: number }): Record<Provider, Policy> => ({
  railway: { perSecond: railwayPerSecond(p.railwayPerHour), concurrent: 16, perHour: p.railwayPerHour },
  openrouter: { perSecond: 20, concurrent: 8, perHour: null },
  agentmail: { perSecond: 10, concurrent: 8, perHour: null },
  telnyx: { perSecond: 10, concurrent: 8, perHour: null },
  // 120 a minute from one address
  bankr: { perSecond: 2, concurrent: 4, perHour: null },
  ghcr: { perSecond: 10, concurrent: 4, perHour: null },
})

/** What nobody waits for: it goes last, and stops while a reserve of the hourly budget is left to creations and removals. */
const AT_LEISURE: Partial<Record<Provider, readonly string[]>> = {
  railway: ['StatusAtLeisure', 'ProjectsSurvey', 'ProjectUpdate', 'DeploymentLogs', 'ServiceInspect', 'VariablesGet'],
  openrouter: ['readKey', 'readCredits'],
}
export const isAtLeisure = (provider: Provider, operation: string): boolean => AT_LEISURE[provider]?.includes(operation) ?? false

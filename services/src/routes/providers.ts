import { type Endpoint, endpoint, type Queryable } from '@convos/kit'
import type { Gates, ProviderGate } from '../budget/gates.ts'
import { ProvidersReply, type ProviderState } from '../contract/index.ts'
import { type Budget, readBudgets } from '../db/budgets.ts'
import { type Credit, readCredits } from '../db/usage.ts'

/** `GET /providers`: as the replicas wrote it down; no provider is asked. */
export const providerEndpoints = ({ db, gates }: { db: Queryable; gates: Gates }): Endpoint<'pool'>[] => [
  endpoint({
    method: 'get',
    path: '/providers',
    operationId: 'listProviders',
    summary: 'How each provider is, and what is left of its budget',
    auth: 'pool',
    replies: { 200: ProvidersReply },
    async handle() {
      const [budgets, credits] = await Promise.all([readBudgets(db), readCredits(db)])
      const body = Object.values(gates).map((gate) =>
        stateOf(
          gate,
          budgets.find(({ provider }) => provider === gate.provider),
          credits.find(({ toolId }) => toolId === gate.provider),
        ),
      )
      return { status: 200, body }
    },
  }),
]

function stateOf(
  { provider, configured, perHour }: ProviderGate,
  budget: Budget | undefined,
  credit: Credit | undefined,
): ProviderState {
  const requests = budget?.requests ?? 0
  return {
    provider,
    configured,
    health: healthOf(budget),
    requests,
    refused: budget?.refused ?? 0,
    failed: budget?.failed ?? 0,
    budget: perHour,
    left: perHour === null ? null : Math.max(0, perHour - requests),
    windowStartedAt: budget?.windowStartedAt?.toISOString() ?? null,
    blockedUntil: budget?.blockedUntil?.toISOString() ?? null,
    lastOkAt: budget?.lastOkAt?.toISOString() ?? null,
    lastError: budget?.lastError ?? null,
    lastErrorAt: budget?.lastErrorAt?.toISOString() ?? null,
    creditRemaining: credit?.remaining ?? null,
    creditAt: credit?.at.toISOString() ?? null,
  }
}

function healthOf(budget: Budget | undefined): ProviderState['health'] {
  if (budget?.blockedUntil) return 'blocked'
  if (budget?.lastErrorAt && !(budget.lastOkAt && budget.lastOkAt > budget.lastErrorAt)) return 'failing'
  return budget?.lastOkAt ? 'ok' : 'unknown'
}

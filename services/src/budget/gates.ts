import { type Clock, inTrace, type Logger, type Queryable } from '@convos/kit'
import PQueue from 'p-queue'
import { recordBlock } from '../db/budgets.ts'
import { ProviderError } from '../infra/errors.ts'
import { GATE_PATIENCE, RATE_LIMIT_DEFAULT_WAIT } from '../limits.ts'
import type { ServiceMetrics } from '../metrics.ts'
import { type Account, createAccount } from './account.ts'
import type { Gate } from './gate.ts'
import { exposeBudgets } from './gauges.ts'
import { isAtLeisure, policies, type Policy, type Provider, PROVIDERS } from './policies.ts'

export interface ProviderGate extends Gate {
  provider: Provider
  configured: boolean
  perHour: number | null
  account: Account
}
export type Gates = Record<Provider, ProviderGate>

export interface GatesOptions {
  db: Queryable
  clock: Clock
  log: Logger
  metrics: Pick<ServiceMetrics, 'countRequest' | 'registry'>
  /** Those whose credentials we have. */
  configured: readonly Provider[]
  /** Requests that Railway allows us in an hour. */
  railwayPerHour: number
}

/** One gate per provider; all requests to it, by whichever part of services, go through it. */
export function createGates(options: GatesOptions): Gates {
  const known = policies(options)
  const gates = Object.fromEntries(
    PROVIDERS.map((provider) => [provider, createGate(provider, known[provider], options)]),
  ) as Gates
  exposeBudgets(options.metrics.registry, Object.values(gates))
  return gates
}

/** Not the provider's failure, but its answer. */
const ANSWERS = ['not_found', 'conflict']
const TURNED_AWAY = ['rate_limited', 'throttled']

function createGate(provider: Provider, policy: Policy, { db, clock, log, metrics, configured }: GatesOptions): ProviderGate {
  const { perSecond, concurrent, perHour } = policy
  const account = createAccount({ perHour, clock })
  const queue = new PQueue({ concurrency: concurrent, intervalCap: perSecond, interval: 1000, strict: true })

  function holdBack(operation: string, reason: string, waitMs: number): ProviderError {
    account.refused()
    metrics.countRequest(provider, operation, 'held_back')
    return new ProviderError(`not asked: ${reason}`, {
      provider,
      operation,
      kind: 'rate_limited',
      uncertain: false,
      retryAfterMs: waitMs,
    })
  }

  function check(operation: string): void {
    const refusal = account.refusal(isAtLeisure(provider, operation))
    if (refusal) throw holdBack(operation, refusal.reason, refusal.waitMs)
  }

  async function judge(operation: string, err: unknown): Promise<void> {
    const kind = err instanceof ProviderError ? err.kind : null
    metrics.countRequest(provider, operation, kind ?? 'error')
    if (kind !== null && ANSWERS.includes(kind)) return account.succeeded()
    if (kind !== null && TURNED_AWAY.includes(kind)) account.refused()
    else account.failed(err instanceof Error ? err.message : String(err))
    if (!(err instanceof ProviderError) || kind !== 'rate_limited') return
    const ms = account.block(err.retryAfterMs ?? RATE_LIMIT_DEFAULT_WAIT)
    log.warn({ provider, operation, ms }, 'the provider told us to wait')
    // the other replicas read it; should it not get there, the provider tells them itself
    await recordBlock(db, { provider, ms }).catch((cause: unknown) =>
      log.error({ err: cause, provider }, 'a block was not shared'),
    )
  }

  async function ask<T>(operation: string, request: () => Promise<T>): Promise<T> {
    // while it waited for its turn somebody else may have been told to wait
    check(operation)
    account.sent()
    try {
      const answer = await request()
      metrics.countRequest(provider, operation, 'ok')
      account.succeeded()
      return answer
    } catch (err) {
      await judge(operation, err)
      throw err
    }
  }

  return {
    provider,
    configured: configured.includes(provider),
    perHour,
    account,
    async pass(operation, request) {
      check(operation)
      const waiting = new AbortController()
      const served = new AbortController()
      const attributes = { 'convos.provider': provider, 'convos.operation': operation }
      const tooLong = () => waiting.abort(holdBack(operation, 'too many requests are before it', GATE_PATIENCE))
      void clock.sleep(GATE_PATIENCE, served.signal).then(() => (served.signal.aborted ? undefined : tooLong()))
      return queue.add(
        () => {
          served.abort()
          // the queue runs it in its caller's context: it is in no neighbour's trace
          return inTrace(`provider ${provider}`, { kind: 'client', attributes }, () => ask(operation, request))
        },
        { signal: waiting.signal, priority: isAtLeisure(provider, operation) ? 0 : 1 },
      )
    },
  }
}

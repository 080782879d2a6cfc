import express, { Router } from 'express'
import { instanceIdInMarker, type SimContext, type Simulator } from '../core/simulator.ts'
import { completionRoutes } from './completions.ts'
import { answerError, notFound } from './errors.ts'
import { managementRoutes } from './management.ts'
import { createKeyStore } from './store.ts'

/**
 * OpenRouter: management of keys, credits, and completions that are answered offline from the prompt.
 * Without `managementKey`, any bearer that was never issued as an ordinary key passes as the management key.
 */
export function createOpenRouter(ctx: SimContext, options: { managementKey?: string } = {}): Simulator {
  const now = () => ctx.clock.now()
  const store = createKeyStore({ now, managementKey: options.managementKey })

  const router = Router()
  router.use(express.json({ limit: '8mb' }))
  router.use(managementRoutes(store, now), completionRoutes(store, now))
  router.use(() => {
    throw notFound()
  })
  router.use(answerError)

  return {
    name: 'openrouter',
    prefix: '/openrouter/api/v1',
    router,
    resources: () => ({
      keys: store.newestFirst().map(({ hash, name, createdAt, disabled, usage }) => ({
        id: hash,
        name,
        instanceId: instanceIdInMarker(name),
        createdAt,
        disabled,
        usage,
      })),
    }),
    dump: () => store.dump(),
    load: (state) => store.load(state),
    reset: () => store.reset(),
  }
}

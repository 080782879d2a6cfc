import { type Clock, type Logger, type Loop, type Queryable, startLoop } from '@convos/kit'
import { addToBudget, readBudgets } from '../db/budgets.ts'
import { BUDGET_FLUSH_EVERY } from '../limits.ts'
import { isNothing } from './account.ts'
import type { Gates } from './gates.ts'

interface Parts {
  db: Queryable
  clock: Clock
  log: Logger
  gates: Gates
}

/** Keeps the replicas' counts together; the last of them are written down on stop. */
export function startBudgets(parts: Parts): Loop {
  const loop = startLoop({
    name: 'budgets',
    everyMs: BUDGET_FLUSH_EVERY,
    clock: parts.clock,
    log: parts.log,
    pass: () => shareBudgets(parts),
  })
  return {
    wake: loop.wake,
    async stop() {
      await loop.stop()
      await shareBudgets(parts).catch((err: unknown) => parts.log.error({ err }, 'the last counts of requests are lost'))
    },
  }
}

/** Adds what this process asked of each provider to what all did, and learns the sum. */
export async function shareBudgets({ db, clock, gates }: Omit<Parts, 'log'>): Promise<void> {
  for (const { provider, account } of Object.values(gates)) {
    if (isNothing(account.unwritten())) continue
    const { requests, refused, failed, okAt, error } = account.take()
    const agoMs = (at: number | null) => (at === null ? null : clock.now().getTime() - at)
    try {
      account.learn(
        await addToBudget(db, {
          provider,
          requests,
          refused,
          failed,
          okAgoMs: agoMs(okAt),
          error: error?.message ?? null,
          errorAgoMs: agoMs(error?.at ?? null),
        }),
      )
    } catch (err) {
      account.putBack()
      throw err
    }
  }
  for (const budget of await readBudgets(db)) if (budget.provider in gates) gates[budget.provider].account.learn(budget)
}

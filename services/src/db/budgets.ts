import type { Queryable } from '@convos/kit'
import type { Provider } from '../budget/policies.ts'
import { BUDGET_WINDOW } from '../limits.ts'

export interface Budget {
  provider: Provider
  /** Null when that window is over and nobody has asked since. */
  windowStartedAt: Date | null
  windowLeftMs: number
  requests: number
  refused: number
  failed: number
  blockedUntil: Date | null
  blockedMs: number
  lastOkAt: Date | null
  lastError: string | null
  lastErrorAt: Date | null
}

/** What was asked of each provider in the present hour, and what it said last. */
export async function readBudgets(db: Queryable): Promise<Budget[]> {
  const { rows } = await db.query<Budget>({
    name: 'read_budgets',
    values: [BUDGET_WINDOW],
    text: `
      select provider, case when current then window_started_at end as "windowStartedAt",
        case when current then window_left_ms else $1::float8 end as "windowLeftMs",
        (case when current then requests else 0 end)::float8 as requests,
        (case when current then refused else 0 end)::float8 as refused,
        (case when current then failed else 0 end)::float8 as failed,
        case when blocked_until > clock_now() then blocked_until end as "blockedUntil",
        greatest(0, coalesce(extract(epoch from blocked_until - clock_now()) * 1000, 0))::float8 as "blockedMs",
        last_ok_at as "lastOkAt", last_error as "lastError", last_error_at as "lastErrorAt"
      from provider_budgets,
        lateral (select (extract(epoch from window_started_at - clock_now()) * 1000 + $1::float8)::float8 as window_left_ms) as w,
        lateral (select window_left_ms > 0 as current) as c
      order by provider`,
  })
  return rows
}

export interface Asked {
  provider: Provider
  requests: number
  refused: number
  failed: number
  okAgoMs: number | null
  error: string | null
  errorAgoMs: number | null
}

/** Adds to the hour, beginning another one where it is over. */
export async function addToBudget(db: Queryable, p: Asked): Promise<Pick<Budget, 'requests' | 'windowLeftMs' | 'blockedMs'>> {
  const { rows } = await db.query<Pick<Budget, 'requests' | 'windowLeftMs' | 'blockedMs'>>({
    name: 'add_to_budget',
    values: [p.provider, p.requests, p.refused, p.failed, p.okAgoMs, p.error, p.errorAgoMs, BUDGET_WINDOW],
    text: `
      insert into provider_budgets as b (provider, requests, refused, failed, last_ok_at, last_error, last_error_at)
      values ($1, $2, $3, $4, clock_now() - $5::float8 * interval '1 ms', $6, clock_now() - $7::float8 * interval '1 ms')
      on conflict (provider) do update set
        window_started_at =
          case when b.window_started_at > clock_now() - $8 * interval '1 ms' then b.window_started_at else clock_now() end,
        requests = excluded.requests + case when b.window_started_at > clock_now() - $8 * interval '1 ms' then b.requests else 0 end,
        refused = excluded.refused + case when b.window_started_at > clock_now() - $8 * interval '1 ms' then b.refused else 0 end,
        failed = excluded.failed + case when b.window_started_at > clock_now() - $8 * interval '1 ms' then b.failed else 0 end,
        last_ok_at = greatest(b.last_ok_at, excluded.last_ok_at),
        last_error =
          case when b.last_error_at is null or excluded.last_error_at > b.last_error_at then excluded.last_error else b.last_error end,
        last_error_at = greatest(b.last_error_at, excluded.last_error_at)
      returning requests::float8 as requests,
        (extract(epoch from window_started_at - clock_now()) * 1000 + $8)::float8 as "windowLeftMs",
        greatest(0, coalesce(extract(epoch from blocked_until - clock_now()) * 1000, 0))::float8 as "blockedMs"`,
  })
  const [row] = rows
  if (!row) throw new Error('an upsert returned no row')
  return row
}

/** The provider told us to wait; a longer wait that it told before holds. */
export async function recordBlock(db: Queryable, p: { provider: Provider; ms: number }): Promise<void> {
  await db.query({
    name: 'record_block',
    values: [p.provider, p.ms],
    text: `
      insert into provider_budgets as b (provider, blocked_until) values ($1, clock_now() + $2 * interval '1 ms')
      on conflict (provider) do update set blocked_until = greatest(b.blocked_until, excluded.blocked_until)`,
  })
}

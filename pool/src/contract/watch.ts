import { z } from 'zod'

/** How far back the charts go. */
export const STATS_WINDOWS = ['1h', '6h', '24h', '7d', '30d'] as const
export const StatsQuery = z.object({ window: z.enum(STATS_WINDOWS).default('24h') })
export type StatsWindow = z.infer<typeof StatsQuery>['window']

const count = z.int().min(0)
const mean = z.number().min(0)
const ms = z.number().nullable()

/** One step of `GET /api/pool/stats`. A part is null where nothing is known of the step; `…Ms` are milliseconds. */
export const StatsPoint = z.object({
  /** When the step begins. */
  at: z.string(),
  /** How many ready instances were to be kept. */
  target: count.nullable(),
  /** Means over the step's minutes; `readyMin` is the lowest. `claimed` includes claiming and pending. */
  instances: z
    .object({
      ready: mean,
      readyMin: count,
      starting: mean,
      claimed: mean,
      crashed: mean,
      stuck: mean,
      deleting: mean,
    })
    .nullable(),
  /** Waiting claims when it was worst; `oldestMs` is null where nobody waited. */
  queue: z.object({ depth: count, oldestMs: ms }).nullable(),
  /**
   * Claims that ended within the step. `empty` failed for want of an instance and are not in `failed`; `hit`, a part of `done`, got
   * their instance without waiting. `p50Ms`, `p95Ms` and `p99Ms`: from the request to the configured agent, of those done; beyond
   * one minute the mean of the minutes' medians, and the worst minute's p95 and p99.
   */
  claims: z
    .object({
      done: count,
      failed: count,
      cancelled: count,
      empty: count,
      hit: count,
      p50Ms: ms,
      p95Ms: ms,
      p99Ms: ms.default(null),
    })
    .nullable(),
  /** Instances that began, became ready, or failed to, within the step; `warmUpMs` from beginning to ready, like `p50Ms`. */
  creations: z.object({ created: count, ready: count, failed: count, warmUpMs: ms }).nullable(),
})
export type StatsPoint = z.infer<typeof StatsPoint>

/** `GET /api/pool/stats`: every step of the window, oldest first; the last one is still going on. */
export const Stats = z.object({ window: z.enum(STATS_WINDOWS), stepSeconds: z.int(), points: z.array(StatsPoint) })
export type Stats = z.infer<typeof Stats>

/** What operators are told of. */
export const ALERT_CODES = [
  'POOL_EMPTY',
  'BREAKER_OPEN',
  'CAP_REACHED',
  'TICK_LATE',
  'DELETIONS_STUCK',
  'CREDIT_LOW',
  'SERVICES_UNREACHABLE',
] as const
export const AlertCode = z.enum(ALERT_CODES)
export type AlertCode = z.infer<typeof AlertCode>

/** One time that something was wrong: since when, in words, and until when; `resolvedAt` is null while it is. */
export const Alert = z.object({
  code: z.string(),
  detail: z.string(),
  since: z.string(),
  resolvedAt: z.string().nullable(),
})
export type Alert = z.infer<typeof Alert>

/** `GET /api/pool/alerts`: what fires now, the longest first, and the latest 50 that are over, the last to end first. */
export const Alerts = z.object({ firing: z.array(Alert), resolved: z.array(Alert) })

/** `GET /api/pool/tick`: who looks after the fleet, and when it was last looked at as a whole; it is due every `everyMs`. */
export const TickState = z.object({
  /** The replica that holds the lease; null: nobody does now. */
  holder: z.string().nullable(),
  /** Whether that is the one that answers. */
  isThis: z.boolean(),
  until: z.string().nullable(),
  tickedAt: z.string().nullable(),
  ageMs: ms,
  everyMs: count,
})
export type TickState = z.infer<typeof TickState>

/** What `ALERT_WEBHOOK_URL` is sent, as JSON. It may come twice: an answer that is lost counts as none. */
export const AlertNotice = z.object({
  code: AlertCode,
  state: z.enum(['firing', 'resolved']),
  detail: z.string(),
  /** When it began. */
  since: z.string(),
  environment: z.string(),
  poolUrl: z.string(),
})
export type AlertNotice = z.infer<typeof AlertNotice>

/** One external provider as services sees it; `requests`, `refused` and `failed` since `windowStartedAt`. */
export const Provider = z.object({
  provider: z.string(),
  configured: z.boolean(),
  /** `blocked`: it told us to wait; `failing`: its latest answer was a failure; `unknown`: not asked yet. */
  health: z.enum(['ok', 'failing', 'blocked', 'unknown']),
  requests: z.int(),
  refused: z.int(),
  failed: z.int(),
  /** Requests we allow ourselves, and how many are left; null: not limited. */
  budget: z.int().nullable(),
  left: z.int().nullable(),
  windowStartedAt: z.string().nullable(),
  blockedUntil: z.string().nullable(),
  lastOkAt: z.string().nullable(),
  lastError: z.string().nullable(),
  lastErrorAt: z.string().nullable(),
  /** USD left on our account, as of `creditAt`; null where it is not known. */
  creditRemaining: z.number().nullable(),
  creditAt: z.string().nullable(),
})
export type Provider = z.infer<typeof Provider>

/** `GET /api/pool/providers` */
export const Providers = z.object({ providers: z.array(Provider) })

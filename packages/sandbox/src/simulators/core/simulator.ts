import type { Router } from 'express'
import type { SimClock } from './clock.ts'
import type { Effect } from './effects.ts'
import type { FaultOf, Target } from './faults.ts'
import type { ProviderName } from './providers.ts'

/** What every simulator is given: simulated time, and where the whole test bed listens (known once it does). */
export interface SimContext {
  clock: SimClock
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  baseUrl(): string
  /** The faults of one kind that strike something else than a request to the provider; whoever takes one counts it down. */
  striking<K extends Effect['kind']>(kind: K, target: Target): Iterable<FaultOf<K>>
  /** Notes a request that came to an instance: the log shows it among those to providers. */
  noteInstanceCall(method: string, path: string): void
}

/** What one GraphQL request asks for, as far as faults, the request log and the state file need to know. */
interface GraphqlRequest {
  /** The operation's name, else its root fields: what the request log shows. */
  label: string
  /** The operation's name and the names of its root fields: what a fault rule can match. */
  names: string[]
  mutation: boolean
}

/** For a provider that speaks GraphQL: every request goes to one path, so its body tells what it is. */
export interface GraphqlAspect {
  describe(body: unknown): GraphqlRequest
  /** An execution error in the provider's own shape. */
  error(body: unknown, message: string): unknown
}

/**
 * One stand-in for a provider. It lives in memory; `dump` and `load` carry its state over a restart,
 * `changed` events are not needed: the server dumps after every request that may have written.
 */
export interface Simulator {
  name: ProviderName
  /** Mounted at `prefix`; paths inside are relative to it. */
  prefix: string
  /** For one that is mounted at the root: only requests at or below these paths are its own. */
  paths?: string[]
  router: Router
  graphql?: GraphqlAspect
  /** Why it cannot do this to its own things as it runs now; null: it can. */
  objection?(effect: Effect): string | null
  /** Controls of its own, served below `/_control/<name>`. */
  control?: Router
  /** What `GET /_control/resources` shows for this provider. */
  resources(): unknown
  /** Everything that must survive a restart, as JSON. */
  dump(): unknown
  load(state: unknown): void | Promise<void>
  /** Back to empty. */
  reset(): void | Promise<void>
  close?(): Promise<void>
}

/**
 * `convos:<deployment id>:<environment>:<instance id>`, as services writes it into names and descriptions; with `.`, `~`
 * or `_` between its parts where a provider's field takes no colon.
 */
export function instanceIdInMarker(text: string | null | undefined): string | null {
  return /\bconvos([:.~_])(?:(?!\1)\S)+\1(?:(?!\1)\S)+\1([a-z0-9]{12})\b/.exec(text ?? '')?.[2] ?? null
}

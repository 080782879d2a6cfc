import { z } from 'zod'
import type { Model } from './model.ts'

interface Session {
  /** Null: the gateway's own. */
  model: Model | null
  /** What its last run failed of, in the words of the model's provider; null when it ended well. */
  failure: string | null
}

/**
 * The sessions that turns run in. The gateway loads this module more than once, one copy for its HTTP routes and others for its agents, so
 * what they share lies outside of it.
 */
const KEY = Symbol.for('convos.sessions')
const shared = globalThis as { [KEY]?: Map<string, Session> }
const sessions = (shared[KEY] ??= new Map<string, Session>())

export function beginTurn(sessionKey: string, model: Model | null): void {
  sessions.set(sessionKey, { model, failure: null })
}

export const failureOf = (sessionKey: string): string | null => sessions.get(sessionKey)?.failure ?? null

/** The gateway's two words for the model of a session; undefined where it decides itself. */
export function modelOverride(sessionKey: string | undefined): { providerOverride: string; modelOverride: string } | undefined {
  const model = sessions.get(sessionKey ?? '')?.model
  return model ? { providerOverride: model.provider, modelOverride: model.name } : undefined
}

const RunEnd = z.object({
  success: z.boolean(),
  error: z.string().optional(),
  messages: z.array(z.unknown()).catch([]),
})
const FailedMessage = z.object({ errorMessage: z.string() })

/** A run of the session's agent has ended. */
export function noteEnd(sessionKey: string | undefined, event: unknown): void {
  const session = sessions.get(sessionKey ?? '')
  const { data } = RunEnd.safeParse(event)
  if (!session || !data) return
  session.failure =
    FailedMessage.safeParse(data.messages.at(-1)).data?.errorMessage ?? (data.success ? null : (data.error ?? 'unknown'))
}

/** The status that a provider refused with, as far as its words tell. */
export function statusOf(failure: string | null): number | null {
  if (failure === null) return null
  const status = /^\D{0,20}\b([45]\d\d)\b/.exec(failure)?.[1]
  if (status) return Number(status)
  if (/billing|insufficient (credit|balance)|out of credits/i.test(failure)) return 402
  return /rate.?limit|too many requests|overloaded/i.test(failure) ? 429 : null
}

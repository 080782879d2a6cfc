import { type Clock, HttpError, type Logger } from '@convos/kit/server'
import type { ModelSettings } from '../config.ts'
import type { Limits } from '../limits.ts'
import { apology } from './apology.ts'
import type { Engine } from './engine.ts'
import { litePage } from './lite-page.ts'
import { complete } from './model.ts'
import { promptOf } from './prompt.ts'
import { refuseUpgrade } from './upgrade.ts'

export interface LiteOptions {
  /** Asked for at each turn: the overlay may have changed. */
  settings: () => ModelSettings
  gatewayToken: string
  describe: () => Record<string, unknown>
  clock: Clock
  log: Logger
  limits: Limits
}

/** The small engine: one chat completion per message, nothing kept but what the conversation keeps anyway. */
export function liteEngine({ settings, gatewayToken, describe, clock, log, limits }: LiteOptions): Engine {
  const ready = () => settings().apiKey !== null
  return {
    ready,
    healthy: ready,
    fault: () => (ready() ? null : 'OPENROUTER_API_KEY is missing'),
    start: () => {},
    clean: () => true,
    async respond(turn, signal) {
      const now = settings()
      try {
        return await complete({ settings: now, model: turn.model ?? now.model, messages: promptOf(turn), clock, limits }, signal)
      } catch (err) {
        signal.throwIfAborted()
        // not the error as a whole: it holds what the model answered, which is the conversation's
        log.warn({ reason: err instanceof Error ? err.message : err, messageId: turn.message.id }, 'the model gave no answer')
        return apology(err instanceof HttpError ? err.status : null)
      }
    },
    gateway: litePage({ gatewayToken, describe, log }),
    upgrade: (_req, socket) => refuseUpgrade(socket, '404 Not Found'),
    reset: async () => {},
    stop: async () => {},
  }
}

import { type Endpoint, Problem } from '@convos/kit'
import type { ErrorRequestHandler } from 'express'
import { noteRefusal, type Refusal } from '../db/events.ts'
import type { PublicAuth, PublicContext } from './context.ts'
import { callerIn } from './guards.ts'
import { createLimiter } from './limiter.ts'

/** An instance that is refused again and again fills no table. */
const EVERY = 60_000

/** Notes what instances are refused; the refusal itself stays as it is. */
export function refusalNotes({ db, log, clock, tools }: PublicContext) {
  // spares the database what it would drop anyway
  const lately = createLimiter(clock, { max: 1, perMs: EVERY })

  async function note(refusal: Refusal): Promise<void> {
    if (lately(`${refusal.instanceId} ${refusal.code}`) !== null) return
    try {
      await noteRefusal(db, refusal, EVERY)
    } catch (err) {
      log.warn({ err, instanceId: refusal.instanceId, code: refusal.code }, 'a refusal could not be noted')
    }
  }

  /** The tool that a request is about, by a name of ours: what a caller makes up is not written down. */
  function toolIn(url: string, path: string): string | null {
    const at = path.split('/').findIndex((part) => part === ':toolId' || part === 'sms')
    return tools.getByToolId(url.split(/[/?]/)[at] ?? '')?.toolId ?? null
  }

  return ({ operationId, path }: Endpoint<PublicAuth>): ErrorRequestHandler =>
    async (err: unknown, req, res, next) => {
      const [instanceId, code] = [callerIn(res)?.instanceId, codeOf(err)]
      if (instanceId !== undefined && code !== null)
        await note({ instanceId, code, tool: toolIn(req.originalUrl, path), operation: operationId })
      next(err)
    }
}

/** The code of an answer that says no; null for what went wrong on our side. */
function codeOf(err: unknown): string | null {
  return err instanceof Problem && err.status < 500 ? err.code : null
}

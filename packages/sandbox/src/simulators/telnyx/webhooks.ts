import { createPrivateKey, randomUUID, sign } from 'node:crypto'
import type { SimClock } from '../core/clock.ts'
import type { WebhookFault } from '../core/effects.ts'
import type { SigningKey } from './store.ts'

/** How often an event is tried, how long after each failure, and how long the receiver may take. */
const ATTEMPTS = 3
const RETRY_MS = 5_000
const ANSWER_WITHIN_MS = 5_000
/** So long an event that is to be overtaken waits for the next one. */
const HELD_MS = 5_000

interface Destination {
  webhook_url: string | null
  webhook_failover_url: string | null
}

interface Delivery extends Destination {
  event: { record_type: 'event'; id: string; event_type: string; occurred_at: string; payload: unknown }
}

export type Webhooks = ReturnType<typeof createWebhooks>

/** Reports events to whoever owns them, signed, and again when nobody took them. */
export function createWebhooks(parts: {
  clock: SimClock
  signingKey: () => SigningKey
  fault: (eventType: string) => WebhookFault | null
}) {
  const { clock, signingKey, fault } = parts
  /** Ends with what the simulator forgets: nothing of an earlier world is tried again. */
  let world = new AbortController()
  const timers = new Set<() => void>()
  let overtaken: Delivery | null = null

  function later(ms: number, fn: () => void) {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel)
      fn()
    })
    timers.add(cancel)
  }

  async function deliver(delivery: Delivery, attempt = 1): Promise<void> {
    const { webhook_url, webhook_failover_url, event } = delivery
    const url = attempt > 1 && webhook_failover_url ? webhook_failover_url : webhook_url
    if (!url) return
    const body = JSON.stringify({ data: event, meta: { attempt, delivered_to: url } })
    const { signal } = world
    const taken = await post(url, body, signal)
    if (!taken && attempt < ATTEMPTS && !signal.aborted) later(RETRY_MS, () => void deliver(delivery, attempt + 1))
  }

  async function post(url: string, body: string, until: AbortSignal): Promise<boolean> {
    // Real time, not simulated: receivers refuse what is signed too long ago, by their own clock.
    const timestamp = String(Math.floor(Date.now() / 1000))
    const headers = {
      'content-type': 'application/json',
      'telnyx-timestamp': timestamp,
      'telnyx-signature-ed25519': signature(signingKey(), `${timestamp}|${body}`),
    }
    const signal = AbortSignal.any([until, AbortSignal.timeout(ANSWER_WITHIN_MS)])
    try {
      const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
      await answer.body?.cancel()
      return answer.ok
    } catch {
      return false
    }
  }

  function release(delivery: Delivery): Promise<void> {
    if (overtaken !== delivery) return Promise.resolve()
    overtaken = null
    return deliver(delivery)
  }

  return {
    /** Resolves once it was tried for the first time, or will not be tried. */
    async send(to: Destination, event_type: string, payload: unknown): Promise<void> {
      const event = {
        record_type: 'event' as const,
        id: randomUUID(),
        event_type,
        occurred_at: clock.now().toISOString(),
        payload,
      }
      const delivery = { ...to, event }
      const waiting = overtaken
      const what = to.webhook_url === null ? 'lose' : fault(event_type)
      if (what === 'reorder' && waiting === null) {
        overtaken = delivery
        later(HELD_MS, () => void release(delivery))
        return
      }
      if (what !== 'lose') await Promise.all(what === 'duplicate' ? [deliver(delivery), deliver(delivery)] : [deliver(delivery)])
      if (waiting) await release(waiting)
    },

    /** Forgets what is still to be tried. */
    clear() {
      world.abort()
      world = new AbortController()
      for (const cancel of timers) cancel()
      timers.clear()
      overtaken = null
    },
  }
}

function signature(key: SigningKey, text: string): string {
  return sign(null, Buffer.from(text), createPrivateKey({ key, format: 'jwk' })).toString('base64')
}

/** As the portal shows it: base64 of the bare 32 bytes. */
export const publicKeyOf = ({ x }: SigningKey) => Buffer.from(x, 'base64url').toString('base64')

import type { IncomingMessage, RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Line } from '../conversation/journal.ts'
import type { Inbound } from '../convos/inbound.ts'

/** Who speaks. */
export interface Persona {
  agentName: string
  instructions: string
  /** Null: the instance's own. */
  model: string | null
}

/** A message to answer, and what was said before it. */
export interface Turn extends Persona {
  conversationId: string
  /** Counts how often the history was forgotten: what an engine itself remembers of earlier ones is not to be used either. */
  session: number
  history: readonly Line[]
  message: Inbound
}

/**
 * What thinks behind the agent server. It may be a part of this process or a gateway that it supervises; it never sees the
 * control token, and knows neither claims nor the network.
 */
export interface Engine {
  /** Whether it could answer at this moment. */
  ready(): boolean
  /** Ready, or away for no longer than a restart may take: messages wait that long, and nobody needs to worry about the agent. */
  healthy(): boolean
  /** Why it is not ready, for who operates it; null while it is. */
  fault(): string | null
  /** Whether it keeps nothing of anybody: no session, no memory. */
  clean(): boolean
  /** Begins; `ownUrl` is where the agent server listens on this machine. */
  start(ownUrl: string): void
  /** The reply; null: nothing to say to this. A failure is put in words a person understands; it rejects only when `signal` aborts. */
  respond(turn: Turn, signal: AbortSignal): Promise<string | null>
  /** Every path that is not the agent server's own, with its body unread. */
  gateway: RequestListener
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Back to first boot. */
  reset(): Promise<void>
  stop(): Promise<void>
}

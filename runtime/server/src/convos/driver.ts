import { backoffMs, type Clock, type Logger } from '@convos/kit/server'
import type { Limits } from '../limits.ts'
import type { Child } from './child.ts'
import type { ConvosCli } from './cli.ts'
import { type CliEvent, type Inbound, inboundText, readLine, type ReadyEvent } from './events.ts'

export interface Target {
  /** Which conversation to follow, asked before each start; null creates one. */
  conversationId(signal: AbortSignal): Promise<string | null>
  agentName(): string
}

export interface Listener {
  ready(event: ReadyEvent): void
  message(message: Inbound): void
  memberJoined(inboxId: string): void
}

export interface Outgoing {
  /** The network keeps one message per id: the same one may be sent again. */
  id: string
  text: string
  replyTo: string | null
}

interface Session {
  child: Child
  ready: ReadyEvent
  /** Aborts when the process is gone. */
  ended: AbortSignal
}

/** Keeps one `convos agent serve` running, and speaks with it. */
export class Driver {
  readonly #p: { cli: ConvosCli; clock: Clock; log: Logger; limits: Limits; listener: Listener }
  #running: { stop: AbortController; done: Promise<void> } | null = null
  #session: Session | null = null
  #awaySince = 0
  #arrival = Promise.withResolvers<void>()
  #awaitingAck: { message: Outgoing; settle: (err: Error | null) => void } | null = null

  constructor(p: { cli: ConvosCli; clock: Clock; log: Logger; limits: Limits; listener: Listener }) {
    this.#p = p
  }

  /** Attached to its conversation at this moment. */
  get attached(): boolean {
    return this.#session !== null
  }

  /** Attached, or away for no longer than a restart may take. */
  get healthy(): boolean {
    if (!this.#running) return false
    return this.attached || this.#p.clock.now().getTime() - this.#awaySince <= this.#p.limits.driverAwayBudgetMs
  }

  start(target: Target): void {
    if (this.#running) return
    const stop = new AbortController()
    this.#awaySince = this.#p.clock.now().getTime()
    this.#running = { stop, done: this.#keepRunning(target, stop.signal) }
  }

  async stop(): Promise<void> {
    this.#running?.stop.abort()
    await this.#running?.done
    this.#running = null
  }

  /** Resolves once the network has the message; rejects when that is not known, and then it may be sent again. */
  async send(message: Outgoing, signal: AbortSignal): Promise<void> {
    const session = await this.#attachedSession(signal)
    const acked = Promise.withResolvers<void>()
    const settle = (err: Error | null) => (err ? acked.reject(err) : acked.resolve())
    const gone = () => settle(new Error('convos went away before it had sent the message'))
    const late = setTimeout(() => settle(new Error('convos did not say that the message was sent')), this.#p.limits.sendAckMs)
    const ended = AbortSignal.any([session.ended, signal])
    ended.addEventListener('abort', gone, { once: true })
    this.#awaitingAck = { message, settle }
    session.child.tell({ type: 'send', id: message.id, text: message.text, ...(message.replyTo && { replyTo: message.replyTo }) })
    try {
      await acked.promise
    } finally {
      clearTimeout(late)
      ended.removeEventListener('abort', gone)
      this.#awaitingAck = null
    }
  }

  /** Tells the others the agent's new name. While away there is nothing to do: each start tells the name. */
  showName(name: string, previous: string): void {
    const session = this.#session
    session?.child.tell({ type: 'update-profile', name })
    // a title that somebody else chose stays
    if (session?.ready.name === previous) session.child.tell({ type: 'rename', name })
  }

  async #attachedSession(signal: AbortSignal): Promise<Session> {
    const aborted = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => aborted.resolve(), { once: true })
    while (!this.#session) {
      signal.throwIfAborted()
      await Promise.race([this.#arrival.promise, aborted.promise])
    }
    return this.#session
  }

  async #keepRunning(target: Target, stop: AbortSignal): Promise<void> {
    const { clock, log, limits } = this.#p
    for (let failures = 0; !stop.aborted;) {
      const wasReady = await this.#run(target, stop).catch((err: unknown) => {
        if (!stop.aborted) log.warn({ err }, 'convos could not be run')
        return false
      })
      if (stop.aborted) return
      failures = wasReady ? 1 : failures + 1
      await clock.sleep(backoffMs(failures, limits.driverRestartMinMs, limits.driverRestartMaxMs), stop)
    }
  }

  /** One process from start to end; whether it ever was ready. */
  async #run(target: Target, stop: AbortSignal): Promise<boolean> {
    const { cli, clock, log, limits } = this.#p
    const conversationId = await target.conversationId(stop)
    stop.throwIfAborted()
    const agentName = target.agentName()
    const ended = new AbortController()
    let wasReady = false
    const child: Child = cli.serve({
      conversationId,
      agentName,
      onLine: (line) => {
        const read = readLine(line)
        if (read.kind === 'garbage') log.warn({ chars: line.length }, 'convos said something that is no event')
        if (read.kind !== 'event') return
        if (read.event.event === 'ready') {
          wasReady = true
          clearTimeout(tooLate)
          this.#session = { child, ready: read.event, ended: ended.signal }
          // changed while it was starting under the old name
          if (target.agentName() !== agentName) this.showName(target.agentName(), agentName)
        }
        try {
          this.#hear(read.event)
        } catch (err) {
          // not noted, so as good as not heard: the next start has it told again
          log.error({ err }, 'what convos said could not be noted')
          wasReady = false
          end()
        }
      },
    })
    const end = () => void child.stop(limits.childStopMs)
    const tooLate = setTimeout(end, limits.driverReadyMs)
    const leave = () => {
      child.tell({ type: 'stop' })
      end()
    }
    stop.addEventListener('abort', leave, { once: true })

    const { code, reason } = await child.exited
    clearTimeout(tooLate)
    stop.removeEventListener('abort', leave)
    if (this.#session?.child === child) {
      this.#session = null
      this.#awaySince = clock.now().getTime()
    }
    ended.abort()
    if (!stop.aborted) log.warn({ code, reason }, 'convos ended')
    return wasReady
  }

  #hear(event: CliEvent): void {
    const { log, listener } = this.#p
    switch (event.event) {
      case 'ready':
        listener.ready(event)
        this.#arrival.resolve()
        this.#arrival = Promise.withResolvers()
        return
      case 'message': {
        const message = inboundText(event)
        if (message && message.senderInboxId !== this.#session?.ready.inboxId) listener.message(message)
        return
      }
      case 'member_joined':
        if (event.inboxId !== this.#session?.ready.inboxId) listener.memberJoined(event.inboxId)
        return
      case 'sent': {
        const sent = this.#awaitingAck?.message
        if (sent && !event.type && (event.id === sent.id || event.text === sent.text)) this.#awaitingAck?.settle(null)
        return
      }
      case 'error':
        log.warn({ reason: event.message }, 'convos reports a failure')
        if (event.id && event.id === this.#awaitingAck?.message.id)
          this.#awaitingAck.settle(new Error(`convos could not send: ${event.message}`))
        return
      case 'heartbeat':
    }
  }
}

import { backoffMs, type Clock, type Logger } from '@convos/kit/server'
import type { Limits } from '../limits.ts'
import type { Receipt } from './acks.ts'
import type { ConvosCli } from './cli.ts'
import type { Command, Whisper } from './commands.ts'
import type { CliEvent, MessageEvent, ReadyEvent } from './events.ts'
import { type Inbound, inbound, kept, nameOf } from './inbound.ts'
import { runSession, type Session } from './session.ts'

export interface Target {
  /** Which conversation to follow, asked before each start; null creates one. */
  conversationId(signal: AbortSignal): Promise<string | null>
  agentName(): string
}

export interface Listener {
  ready(event: ReadyEvent): void
  /** Whether it is new. */
  message(message: Inbound): boolean
  memberJoined(inboxId: string): void
  /** A member told of itself; null: nothing of that. */
  profile(member: { inboxId: string; name: string | null; isAgent: boolean | null }): void
  /** Somebody ends the conversation for all: at that time, or (null) now. */
  exploding(expiresAt: string | null): void
}

/** Keeps one `convos agent serve` running, and speaks with it. */
export class Driver {
  readonly #p: { cli: ConvosCli; clock: Clock; log: Logger; limits: Limits; listener: Listener }
  #running: { stop: AbortController; done: Promise<void> } | null = null
  #session: Session | null = null
  #awaySince = 0
  #arrival = Promise.withResolvers<void>()

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

  /** From here on nothing more is said. */
  async stop(): Promise<void> {
    this.#session = null
    this.#running?.stop.abort()
    await this.#running?.done
    this.#running = null
  }

  /**
   * Has a command carried out, several at a time if need be; waits for a process that is away until `signal` aborts.
   * @throws Unconfirmed
   */
  async act(command: Command, signal: AbortSignal): Promise<Receipt> {
    const session = await this.#attachedSession(signal)
    session.child.tell(command)
    return await session.acks.expect(command, {
      timeoutMs: this.#p.limits.sendAckMs,
      signal: AbortSignal.any([session.ended, signal]),
      // a process has nothing left to do once its conversation is no more; one that was told to go tells nothing by going
      whenGone: () =>
        command.type === 'explode' && session.exitCode === 0 && !this.#running?.stop.signal.aborted ? { messageId: null } : null,
    })
  }

  /**
   * What the agent itself said in these words since then, as far as that can be told. Not every network keeps one message per id:
   * what was not confirmed is looked for before it is said again.
   */
  async find(p: { text: string; since: string }, signal: AbortSignal): Promise<string[]> {
    const { ready } = await this.#attachedSession(signal)
    try {
      return (await this.#p.cli.messages(ready.conversationId, { fresh: false, signal }))
        .filter(({ senderInboxId, sentAt }) => senderInboxId === ready.inboxId && Date.parse(sentAt) >= Date.parse(p.since))
        .filter((message) => inbound(message)?.text === kept(p.text))
        .map(({ id }) => id)
    } catch (err) {
      signal.throwIfAborted()
      this.#p.log.warn({ err }, 'whether it was said cannot be told; better twice than never')
      return []
    }
  }

  /** Says what passes; while away there is nobody to say it to. */
  whisper(whisper: Whisper): void {
    this.#session?.child.tell(whisper)
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
    const abort = () => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    try {
      while (!this.#session) {
        signal.throwIfAborted()
        await Promise.race([this.#arrival.promise, aborted.promise])
      }
      return this.#session
    } finally {
      signal.removeEventListener('abort', abort)
    }
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

  async #run(target: Target, stop: AbortSignal): Promise<boolean> {
    const conversationId = await target.conversationId(stop)
    stop.throwIfAborted()
    const agentName = target.agentName()
    let looking = Promise.resolve()
    const isGood = await runSession({
      ...this.#p,
      conversationId,
      agentName,
      stop,
      attached: (session) => {
        this.#session = session
        looking = this.#lookForMissed(session, conversationId === null)
        // changed while it was starting under the old name
        if (target.agentName() !== agentName) this.showName(target.agentName(), agentName)
      },
      hear: (event, session) => this.#hear(event, session),
      left: (session) => {
        if (this.#session !== session) return
        this.#session = null
        this.#awaySince = this.#p.clock.now().getTime()
      },
    })
    await looking
    return isGood
  }

  /**
   * A process tells only what is said from its own beginning on, and after a long outage nothing at all, though it beats. So what was said
   * is looked up: when it attaches, for what was missed until then, and now and then after that; one that turns out to be deaf is ended.
   */
  async #lookForMissed(session: Session, isBorn: boolean): Promise<void> {
    const { clock, log, limits } = this.#p
    const { ended } = session
    if (isBorn) await clock.sleep(limits.missedLookMs, ended)
    for (let isAttaching = !isBorn, failures = 0; !ended.aborted;) {
      const missed = await this.#missed(session).catch((err: unknown) => {
        if (!ended.aborted) log.warn({ err }, 'whether anything was missed cannot be told yet')
        return null
      })
      failures = missed === null ? failures + 1 : 0
      if (missed) {
        log.warn({ missed }, 'messages were not told by convos, and are heard now')
        if (!isAttaching) void session.child.stop(limits.childStopMs)
      }
      if (missed !== null) isAttaching = false
      const { driverRestartMinMs: soon, missedLookMs: later } = limits
      await clock.sleep(failures > 0 ? backoffMs(failures, soon, later) : later, ended)
    }
  }

  async #missed(session: Session): Promise<number> {
    const { ended: signal, ready } = session
    const messages = await this.#p.cli.messages(ready.conversationId, { fresh: true, signal })
    signal.throwIfAborted()
    const inOrder = messages.toSorted((a, b) => Date.parse(a.sentAt) - Date.parse(b.sentAt))
    return inOrder.filter((event) => this.#hearMessage(event, session)).length
  }

  #hearMessage(event: MessageEvent, { ready }: Session): boolean {
    const message = inbound(event)
    return message !== null && message.senderInboxId !== ready.inboxId && this.#p.listener.message(message)
  }

  #hear(event: CliEvent, session: Session): void {
    const { ready, acks } = session
    const { listener } = this.#p
    switch (event.event) {
      case 'ready':
        listener.ready(event)
        this.#arrival.resolve()
        this.#arrival = Promise.withResolvers()
        return
      case 'message':
        this.#hearMessage(event, session)
        return
      case 'member_joined':
        if (event.inboxId !== ready.inboxId) listener.memberJoined(event.inboxId)
        return
      case 'profile_update': {
        const { senderInboxId: inboxId, name, memberKind } = event
        if (inboxId === ready.inboxId) return
        listener.profile({ inboxId, name: nameOf(name), isAgent: memberKind ? memberKind === 1 : null })
        return
      }
      case 'explode_notice':
        listener.exploding(event.expiresAt ?? null)
        return
      case 'sent':
        acks.sent(event)
        return
      case 'error':
        acks.failed(event)
        return
      case 'heartbeat':
    }
  }
}

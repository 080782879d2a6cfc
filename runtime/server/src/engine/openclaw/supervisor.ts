import { backoffMs, type Clock, type Logger } from '@convos/kit/server'
import type { Limits } from '../../limits.ts'
import { freeLoopbackPort } from './ports.ts'
import { type GatewayProcess, startGateway } from './process.ts'
import { gatewayLog } from './output.ts'

export interface SupervisorOptions {
  script: string
  /** Asked for at each start. */
  env: () => Record<string, string>
  mark: string
  clock: Clock
  log: Logger
  limits: Limits
}

/** Keeps one gateway running: starts it, looks whether it answers, starts it again when it ends or no longer does. */
export class Supervisor {
  readonly #p: SupervisorOptions
  #running: { stop: AbortController; done: Promise<void> } | null = null
  #gateway: { process: GatewayProcess; port: number; env: Record<string, string> } | null = null
  /** When a probe was last answered; of the gateway that runs now. */
  #answeredAt: number | null = null
  #awaySince: number
  #failures = 0
  #fault: string | null = 'not started yet'
  #arrival = Promise.withResolvers<void>()

  constructor(p: SupervisorOptions) {
    this.#p = p
    this.#awaySince = p.clock.now().getTime()
  }

  /** Where the gateway listens on loopback; null while none runs. */
  get port(): number | null {
    return this.#gateway?.port ?? null
  }

  /** The environment of the gateway that runs. */
  get env(): Readonly<Record<string, string>> | null {
    return this.#gateway?.env ?? null
  }

  /** It answered a moment ago. */
  get ready(): boolean {
    const { clock, limits } = this.#p
    return this.#answeredAt !== null && clock.now().getTime() - this.#answeredAt <= limits.gatewayFreshMs
  }

  /** Ready, or away for no longer than a restart may take. */
  get healthy(): boolean {
    const since = this.#answeredAt ?? this.#awaySince
    return this.ready || this.#p.clock.now().getTime() - since <= this.#p.limits.gatewayAwayBudgetMs
  }

  /** Why it is not ready, for who looks from outside; null while it is. */
  get fault(): string | null {
    return this.ready ? null : (this.#fault ?? 'it does not answer')
  }

  start(): void {
    if (this.#running) return
    const stop = new AbortController()
    this.#awaySince = this.#p.clock.now().getTime()
    this.#running = { stop, done: this.#keepRunning(stop.signal) }
  }

  async stop(): Promise<void> {
    const running = this.#running
    running?.stop.abort()
    await running?.done
    if (this.#running === running) this.#running = null
  }

  /** Ends the gateway that runs, gently; the next one follows at once. */
  async restart(why: string): Promise<void> {
    const gateway = this.#gateway?.process
    if (!gateway) return
    this.#p.log.info({ why }, 'restarting the gateway')
    this.#away(why)
    this.#failures = 0
    await gateway.stop(this.#p.limits.gatewayStopMs)
  }

  /** Resolves with its port as soon as it is ready; rejects only when `signal` aborts. */
  async whenReady(signal: AbortSignal): Promise<number> {
    const aborted = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => aborted.resolve(), { once: true })
    for (;;) {
      signal.throwIfAborted()
      if (this.ready && this.#gateway) return this.#gateway.port
      await Promise.race([this.#arrival.promise, aborted.promise])
    }
  }

  async #keepRunning(stop: AbortSignal): Promise<void> {
    const { clock, log, limits } = this.#p
    while (!stop.aborted) {
      const settled = await this.#run(stop).catch((err: unknown) => {
        log.error({ err }, 'the gateway could not be started')
        this.#fault = 'it could not be started'
        return false
      })
      if (stop.aborted) return
      // one that worked for a while and then ended is no reason to wait
      this.#failures = settled ? 0 : this.#failures + 1
      const hopeless = this.#failures >= limits.gatewayGiveUpAfter
      if (this.#failures === limits.gatewayGiveUpAfter)
        log.error(
          { failures: this.#failures, fault: this.#fault },
          'the gateway does not come up; it is tried again now and then',
        )
      const max = hopeless ? limits.gatewayRetryMs : limits.gatewayRestartMaxMs
      await clock.sleep(hopeless ? max : backoffMs(Math.max(1, this.#failures), limits.gatewayRestartMinMs, max), stop)
    }
  }

  /** One gateway from start to end; whether it was ready and stayed so for a while. */
  async #run(stop: AbortSignal): Promise<boolean> {
    const { script, mark, clock, log, limits } = this.#p
    const port = await freeLoopbackPort()
    if (stop.aborted) return false
    const env = { ...this.#p.env(), OPENCLAW_GATEWAY_PORT: String(port) }
    const output = gatewayLog(log, env)
    const gateway = startGateway(script, { env, mark, onLine: output.line })
    if (!gateway) throw new Error(`${script} cannot be run`)
    log.info({ pid: gateway.pid, port }, 'gateway started')
    this.#gateway = { process: gateway, port, env }
    const startedAt = clock.now().getTime()
    const over = new AbortController()
    const leave = () => void gateway.stop(limits.gatewayStopMs)
    stop.addEventListener('abort', leave, { once: true })
    const watching = this.#watch(gateway, port, over.signal)

    const { code, signal, reason } = await gateway.ended
    over.abort()
    const readyAt = await watching
    stop.removeEventListener('abort', leave)
    this.#gateway = null
    const ranMs = clock.now().getTime() - startedAt
    if (stop.aborted) this.#away('it was stopped')
    else {
      this.#away(reason ?? `it ended (${signal ?? code ?? 'no exit code'})${output.last() ? `: ${output.last()}` : ''}`)
      log.warn({ code, signal, ranMs, fault: this.#fault }, 'the gateway ended')
    }
    return readyAt !== null && clock.now().getTime() - readyAt >= limits.gatewaySettledMs
  }

  /** Probes until it is over; ends a gateway that does not answer. Answers when it was ready first. */
  async #watch(gateway: GatewayProcess, port: number, over: AbortSignal): Promise<number | null> {
    const { clock, log, limits } = this.#p
    const startedAt = clock.now().getTime()
    let readyAt: number | null = null
    while (!over.aborted) {
      const failing = await this.#probe(port, over)
      if (over.aborted) break
      const now = clock.now().getTime()
      if (failing === null) {
        if (readyAt === null) log.info({ port, bootMs: now - startedAt }, 'gateway ready')
        readyAt ??= now
        this.#answeredAt = now
        this.#fault = null
        this.#arrival.resolve()
        this.#arrival = Promise.withResolvers()
      } else {
        this.#fault = failing
        const patience = readyAt === null ? limits.gatewayBootMs : limits.gatewayHangMs
        if (now - (readyAt === null ? startedAt : (this.#answeredAt ?? startedAt)) > patience) {
          log.warn({ fault: failing, patience }, 'the gateway does not answer; it is ended')
          await gateway.stop(limits.gatewayStopMs)
        }
      }
      await clock.sleep(readyAt === null ? limits.gatewayBootProbeMs : limits.gatewayProbeMs, over)
    }
    return readyAt
  }

  /** Null: ready. Else what it lacks. */
  async #probe(port: number, over: AbortSignal): Promise<string | null> {
    try {
      const signal = AbortSignal.any([over, AbortSignal.timeout(this.#p.limits.gatewayProbeTimeoutMs)])
      const res = await fetch(`http://127.0.0.1:${port}/readyz`, { signal, redirect: 'manual' })
      const text = await res.text()
      return res.ok ? null : `it is not ready: ${text.slice(0, 200)}`
    } catch {
      return this.#answeredAt === null ? 'it is starting' : 'it does not answer'
    }
  }

  #away(why: string): void {
    this.#awaySince = this.#answeredAt ?? this.#awaySince
    this.#answeredAt = null
    this.#fault = why
  }
}

import type { Clock, Logger } from '@convos/kit/server'
import type { Limits } from '../limits.ts'
import { Acks } from './acks.ts'
import type { Child } from './child.ts'
import type { ConvosCli } from './cli.ts'
import { type CliEvent, readLine, type ReadyEvent } from './events.ts'

/** A process that is attached to its conversation. */
export interface Session {
  child: Child
  ready: ReadyEvent
  acks: Acks
  /** Aborts when the process is gone. */
  ended: AbortSignal
  /** Null while it runs, and where a signal ended it. */
  exitCode: number | null
}

export interface SessionOptions {
  cli: ConvosCli
  clock: Clock
  log: Logger
  limits: Limits
  conversationId: string | null
  agentName: string
  stop: AbortSignal
  attached(session: Session): void
  /** When it throws, what was said counts as not heard, and the process is ended: the next one has it told again. */
  hear(event: CliEvent, session: Session): void
  left(session: Session): void
}

/** One `convos agent serve` from start to end; whether it was any good. It is ended when it does not get ready, or falls silent. */
export async function runSession(p: SessionOptions): Promise<boolean> {
  const { log, limits, stop } = p
  const ended = new AbortController()
  const mentioned = { garbage: 0, failures: 0 }
  /** Told before it was attached; heard once it is clear who is who. */
  const early: CliEvent[] = []
  let session: Session | null = null
  let isGood = false

  const onLine = (line: string) => {
    silence.refresh()
    const read = readLine(line)
    if (read.kind === 'garbage' && isMilestone(++mentioned.garbage))
      log.warn({ chars: line.length, times: mentioned.garbage }, 'convos said something that is no event')
    if (read.kind !== 'event') return
    const { event } = read
    if (event.event === 'error' && isMilestone(++mentioned.failures))
      log.warn({ reason: event.message, times: mentioned.failures }, 'convos reports a failure')
    if (event.event === 'ready' && !session) {
      isGood = true
      clearTimeout(tooLate)
      session = { child, ready: event, acks: new Acks(), ended: ended.signal, exitCode: null }
      p.attached(session)
    }
    early.push(event)
    if (!session) return
    try {
      for (const told of early.splice(0).toSorted(readyFirst)) p.hear(told, session)
    } catch (err) {
      log.error({ err }, 'what convos said could not be noted')
      isGood = false
      end()
    }
  }
  const child = p.cli.serve({ conversationId: p.conversationId, agentName: p.agentName, onLine })
  const end = () => void child.stop(limits.childStopMs)
  const tooLate = setTimeout(end, limits.driverReadyMs)
  // it beats while it lives: one that hangs is as good as dead
  const silence = setTimeout(() => {
    log.warn('convos gives no sign of life')
    end()
  }, limits.driverSilentMs)
  const leave = () => {
    child.tell({ type: 'stop' })
    end()
  }
  stop.addEventListener('abort', leave, { once: true })

  const { code, reason } = await child.exited
  clearTimeout(tooLate)
  clearTimeout(silence)
  stop.removeEventListener('abort', leave)
  finish(session, code, p.left)
  ended.abort()
  if (!stop.aborted) log.warn({ code, reason }, 'convos ended')
  return isGood
}

function finish(session: Session | null, code: number | null, left: SessionOptions['left']): void {
  if (!session) return
  session.exitCode = code
  left(session)
}

const readyFirst = (a: CliEvent, b: CliEvent) => Number(b.event === 'ready') - Number(a.event === 'ready')

/** The first, the tenth, the hundredth time …: enough to know of it, and no flood. */
const isMilestone = (count: number) => Number.isInteger(Math.log10(count))

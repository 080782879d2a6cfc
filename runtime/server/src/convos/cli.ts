import { existsSync } from 'node:fs'
import { z } from 'zod'
import type { Limits } from '../limits.ts'
import { ListedMessage, type MessageEvent } from './events.ts'
import { type Child, type Exit, startChild } from './child.ts'

export type JoinOutcome = { status: 'joined'; conversationId: string } | { status: 'waiting' } | { status: 'refused' }

export interface ConvosCli {
  /** Whether an identity was made here. */
  hasIdentity(): boolean
  /** Follows one conversation until it ends; without an id it creates one. */
  serve(p: { conversationId: string | null; agentName: string; onLine: (line: string) => void }): Child
  /** Asks to be let in, and waits `waitS` for it; asking again is safe. Rejects when nobody can say how it stands. */
  join(p: { url: string; agentName: string; waitS: number; signal: AbortSignal }): Promise<JoinOutcome>
  /** The conversation that this identity is in by now; null when there is none. Rejects when nobody can say. */
  conversation(signal: AbortSignal): Promise<string | null>
  /**
   * The latest messages of a conversation, in no certain order: those that are known here, or with `fresh` those of the network.
   * Rejects when nobody can say.
   */
  messages(conversationId: string, p: { fresh: boolean; signal: AbortSignal }): Promise<MessageEvent[]>
}

/** The command's word for an invite that leads nowhere: asking again would not help. */
const UNUSABLE_INVITE = 'Failed to parse invite'

class CommandFailed extends Error {
  override name = 'CommandFailed'
  readonly reason: string
  constructor(args: string[], { code, reason }: Exit) {
    super(`convos ${args.slice(0, 2).join(' ')} failed (${code ?? 'no exit code'}): ${reason}`)
    this.reason = reason
  }
}

const JoinAnswer = z.object({ status: z.string(), conversationId: z.string().min(1).nullish() })
const Conversations = z
  .union([
    z.array(z.object({ conversationId: z.string().min(1) })),
    z.object({ count: z.literal(0) }).transform((): { conversationId: string }[] => []),
  ])
  .transform((all) => all.map(({ conversationId }) => conversationId))

/** So many of the latest messages are enough to find what was just said, or was missed while nobody listened. */
const MESSAGES_ASKED = 200
const Messages = z
  .union([z.array(z.unknown()), z.object({ messages: z.array(z.unknown()) }).transform(({ messages }) => messages)])
  .catch([])
  .transform((all) => all.map((each) => ListedMessage.safeParse(each).data).filter((message) => message !== undefined))

export interface CliOptions {
  bin: string
  home: string
  env: Record<string, string>
  limits: Limits
}

/** The `convos` command, one process per question. */
export function convosCli({ bin, home, env, limits }: CliOptions): ConvosCli {
  const childEnv = { ...env, CONVOS_HOME: home }

  const ask = async <S extends z.ZodType>(args: string[], p: { reply: S; timeoutMs: number; signal: AbortSignal }) => {
    p.signal.throwIfAborted()
    const lines: string[] = []
    const child = startChild(bin, args, { env: childEnv, onLine: (line) => void lines.push(line) })
    const signal = AbortSignal.any([p.signal, AbortSignal.timeout(p.timeoutMs)])
    const stop = () => void child.stop(limits.childStopMs)
    signal.addEventListener('abort', stop, { once: true })
    const exit = await child.exited
    signal.removeEventListener('abort', stop)
    if (exit.code !== 0) throw new CommandFailed(args, exit)
    return p.reply.parse(lastJson(lines))
  }

  return {
    hasIdentity: () => existsSync(home),
    serve: ({ conversationId, agentName, onLine }) =>
      // names are joined to their flags, and what comes from outside stands behind `--`: neither can be taken for an option
      startChild(
        bin,
        [
          'agent',
          'serve',
          `--name=${agentName}`,
          `--profile-name=${agentName}`,
          `--heartbeat=${limits.driverHeartbeatMs / 1_000}`,
          '--json',
          ...(conversationId ? ['--', conversationId] : []),
        ],
        { env: childEnv, onLine },
      ),
    async join({ url, agentName, waitS, signal }) {
      const wait = waitS > 0 ? `--timeout=${waitS}` : '--no-wait'
      const args = ['conversations', 'join', wait, `--profile-name=${agentName}`, '--json', '--', url]
      const how = { reply: JoinAnswer, timeoutMs: limits.commandMs + waitS * 1000, signal }
      const { status, conversationId } = await ask(args, how).catch((err: unknown) => {
        if (err instanceof CommandFailed && err.reason.includes(UNUSABLE_INVITE))
          return { status: 'refused', conversationId: null }
        throw err
      })
      if (status === 'joined' && conversationId) return { status, conversationId }
      return { status: status === 'refused' ? 'refused' : 'waiting' }
    },
    async conversation(signal) {
      const ids = await ask(['conversations', 'list', '--sync', '--json'], {
        reply: Conversations,
        timeoutMs: limits.commandMs,
        signal,
      })
      return ids[0] ?? null
    },
    messages: (conversationId, { fresh, signal }) =>
      ask(
        ['conversation', 'messages', `--limit=${MESSAGES_ASKED}`, ...(fresh ? ['--sync'] : []), '--json', '--', conversationId],
        { reply: Messages, timeoutMs: limits.commandMs, signal },
      ),
  }
}

/** The JSON document at the end of an output, on one line or on many; remarks may stand before it. */
export function lastJson(lines: string[]): unknown {
  for (const [index, line] of lines.entries()) {
    if (!/^[[{]/.test(line)) continue
    try {
      return JSON.parse(lines.slice(index).join('\n'))
    } catch {
      // a remark that looked like the beginning
    }
  }
  throw new Error('convos answered without JSON')
}

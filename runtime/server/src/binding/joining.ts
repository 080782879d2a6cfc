import type { Clock, Logger } from '@convos/kit/server'
import type { ConvosCli, JoinOutcome } from '../convos/cli.ts'
import type { Limits } from '../limits.ts'
import type { BindingRecord, Happening } from './record.ts'

/** How long one invocation waits for the admission where it cannot be looked up. */
const WAIT_S = 20

export interface JoiningOptions {
  cli: ConvosCli
  clock: Clock
  log: Logger
  limits: Limits
  signal: AbortSignal
  record(): BindingRecord | null
  happened(happening: Happening): void
}

/**
 * Asks to be let in, and looks until the answer is there. A second request does not notice that the first was granted, so each
 * is preceded by a look at the conversations of this identity; that also finds an admission from before a restart.
 */
export async function joinConversation(p: JoiningOptions): Promise<void> {
  const { cli, clock, log, limits, signal, record, happened } = p
  let askedAt: number | null = null
  for (let waitMs = limits.joinLookMinMs; ; waitMs = Math.min(waitMs * 1.5, limits.joinLookMaxMs)) {
    const current = record()
    if (signal.aborted || !current?.joinUrl) return
    const { joinUrl: url, agentName, state } = current
    try {
      const seen = await admissionSeen(cli, signal)
      // who decides may only read the latest requests, and a refusal is told to who asks: so now and then again
      const due = askedAt === null || clock.now().getTime() - askedAt >= limits.joinAskAgainMs
      let outcome = seen
      if (seen.status === 'unknown' || (seen.status === 'waiting' && due)) {
        const waitS = seen.status === 'unknown' && state === 'pending' ? WAIT_S : 0
        outcome = await cli.join({ url, agentName, waitS, signal })
        askedAt = clock.now().getTime()
      }
      if (outcome.status === 'joined') return happened({ type: 'bound', conversationId: outcome.conversationId, inviteUrl: null })
      if (outcome.status === 'refused') return happened({ type: 'refused' })
      happened({ type: 'requested' })
    } catch (err) {
      if (signal.aborted) return
      log.warn({ err }, 'asking to join failed; it is tried again')
    }
    await clock.sleep(waitMs, signal)
  }
}

/**
 * The conversation this identity was let into, or null.
 * @throws Error when nobody can say
 */
export async function admittedTo(cli: ConvosCli, record: BindingRecord, signal: AbortSignal): Promise<string | null> {
  const seen = await admissionSeen(cli, signal)
  const outcome =
    seen.status === 'unknown'
      ? await cli.join({ url: record.joinUrl ?? '', agentName: record.agentName, waitS: 0, signal })
      : seen
  return outcome.status === 'joined' ? outcome.conversationId : null
}

async function admissionSeen(cli: ConvosCli, signal: AbortSignal): Promise<JoinOutcome | { status: 'unknown' }> {
  if (!cli.hasIdentity()) return { status: 'waiting' }
  try {
    const conversationId = await cli.conversation(signal)
    return conversationId ? { status: 'joined', conversationId } : { status: 'waiting' }
  } catch (err) {
    if (signal.aborted) throw err
    return { status: 'unknown' }
  }
}

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConversationId, type Member } from '../../simulators/convos/model.ts'
import type { ConversationView } from '../../simulators/convos/views.ts'
import { Refused } from '../client.ts'
import { type Deps, draftConversation } from '../conversations.ts'
import type { Identity } from '../home.ts'
import { UsageError } from '../options.ts'
import { executeLine, type Seat } from './execute.ts'
import { follow } from './follow.ts'
import { createLink, type Link } from './link.ts'
import { emit } from './output.ts'
import { errorEvent, heardEvent, readyEvent, seenEvent, timestamp } from './protocol.ts'

/** What was asked for before the end is still done if it takes no longer than this. */
const DRAIN_MS = 2_000

/** `agent serve`: one agent's seat in one conversation, as events on stdout and commands on stdin. */
export async function serve(deps: Deps, id: string | undefined): Promise<void> {
  const { identity } = deps.home.ensureIdentity()
  const takeSeat = seatOf(deps, identity, id)

  const ending = new AbortController()
  const stop = () => ending.abort()
  process.once('SIGTERM', stop).once('SIGINT', stop)
  process.stdout.on('error', stop) // whoever listened is gone
  const link = createLink(emit)

  // Read from the start, so that the end of stdin is noticed even while the network is away.
  const seated = Promise.withResolvers<Seat>()
  let work: Promise<unknown> = seated.promise
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (!line.trim() || ending.signal.aborted) return
      work = work.then(async () => executeLine(line, { seat: await seated.promise, link, emit, stop }))
    })
    .once('close', stop)

  try {
    const seat = await untilAborted(ending.signal, link.persist(takeSeat))
    if (seat) {
      const { id: conversationId } = seat.conversation
      await emit(readyEvent(seat.conversation, identity, !deps.options['no-invite']))
      seated.resolve({ conversationId, inboxId: identity.inboxId, client: deps.client })
      const heartbeat = startHeartbeat(deps.options.heartbeat, conversationId, link)
      await deliver(deps, { ...seat, link, ending: ending.signal })
      clearInterval(heartbeat)
      await Promise.race([work, sleep(DRAIN_MS)])
    }
  } catch (error) {
    process.exitCode = 2
    await emit(errorEvent(error instanceof Error ? error.message : String(error)))
  } finally {
    // Requests that are still open, and an open stdin, would keep the process.
    process.exit()
  }
}

interface Seated {
  conversation: ConversationView
  member: Member
}

/** How to get into the conversation, as often as it takes: an existing one is looked up, never changed; a new one is made once. */
function seatOf({ client, ...deps }: Deps, identity: Identity, id: string | undefined): () => Promise<Seated> {
  if (id !== undefined && !ConversationId.safeParse(id).success) throw new UsageError(`${id} is not a conversation id`)
  const draft = draftConversation(deps, identity)
  return async () => {
    const conversation = id === undefined ? await client.create(draft) : await client.conversation(id)
    const member = conversation.members.find((each) => each.inboxId === identity.inboxId)
    if (!member) throw new Refused(403, 'this agent is not a member of the conversation')
    return { conversation, member }
  }
}

/** Tells everything new in the conversation, in order, and remembers how far it has told. */
async function deliver({ client, home }: Deps, p: Seated & { link: Link; ending: AbortSignal }): Promise<void> {
  const { conversation, member, link, ending } = p
  const { id: conversationId } = conversation
  const me = member.inboxId
  let cursor = home.delivered(conversationId) ?? member.joinedSeq
  /** What is not newer than this arrived while nobody was attached. What was said is not told then: like the real command, it streams from now on. */
  const seatedAt = conversation.cursor
  let attachedAt = seatedAt

  const opened = (head: number) => {
    cursor = Math.min(cursor, head)
    if (link.isDown()) attachedAt = head
    link.restored()
  }
  const listen = async () => {
    for await (const entry of follow(client.eventsUrl(conversationId, cursor), { ending, opened })) {
      if (!('seq' in entry)) {
        const seen = seenEvent(entry, { me, conversationId })
        if (seen) await emit(seen)
        continue
      }
      const isMissed = entry.seq <= seatedAt && (entry.type === 'message' || entry.type === 'reaction')
      const event = isMissed ? null : heardEvent(entry, { me, conversationId, catchup: entry.seq <= attachedAt })
      if (event) await emit(event)
      // Only now: a process killed in between tells it again, with the same id, rather than never.
      cursor = entry.seq
      home.saveDelivered(conversationId, cursor)
      if (entry.type === 'member_left' && entry.inboxId === me)
        throw new Refused(403, 'this agent was removed from the conversation')
    }
  }
  await link.persist(listen, ending)
}

function startHeartbeat(seconds: number | undefined, conversationId: string, link: Link): NodeJS.Timeout | undefined {
  if (!seconds) return undefined
  return setInterval(() => {
    void emit({ event: 'heartbeat', conversationId, activeStreams: link.isDown() ? 0 : 1, timestamp: timestamp() })
  }, seconds * 1_000)
}

async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T | null> {
  const aborted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
  return await Promise.race([work, aborted])
}

import { FeedMessage } from '@convos/pool/contract'
import { BASE_URL, CREDENTIALS } from '../api/client.ts'
import { foreign, toApiError, unreachable } from '../api/errors.ts'
import { blockReader } from './sse.ts'

/** Pool is heard of every 20 s at least: after this long a silence the connection is dead, whatever the browser thinks of it. */
const SILENCE_MS = 45_000

interface Listening {
  /** The cursor of what was heard last; null: from now on. */
  after: string | null
  signal: AbortSignal
  onOpen: () => void
  /** Anything at all arrived; `news` may be empty. */
  onHeard: (news: FeedMessage[], cursor: string | null) => void
}

/**
 * Listens until the stream ends, and gives the time that pool asks us to wait before coming back, ms; null when it was cut off.
 * `EventSource` would not do: it shows neither heartbeats nor the status of a refusal.
 * @throws ApiError
 */
export async function listen({ after, signal, onOpen, onHeard }: Listening): Promise<number | null> {
  const silence = new AbortController()
  let timer: ReturnType<typeof setTimeout>
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), SILENCE_MS)
  }
  heard()
  try {
    const response = await fetch(`${BASE_URL}/api/pool/events`, {
      credentials: CREDENTIALS,
      headers: { accept: 'text/event-stream', ...(after === null ? {} : { 'last-event-id': after }) },
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal]),
    })
    if (!response.ok) throw toApiError(response, await response.json().catch(() => undefined))
    if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream'))
      throw foreign(response, undefined)
    onOpen()
    return await follow(response.body, (news, cursor) => {
      heard()
      onHeard(news, cursor)
    })
  } catch (cause) {
    throw cause instanceof Error && cause.name === 'ApiError' ? cause : unreachable(cause)
  } finally {
    clearTimeout(timer!)
  }
}

async function follow(body: ReadableStream<Uint8Array>, onHeard: Listening['onHeard']): Promise<number | null> {
  const read = blockReader()
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let retry: number | null = null
  while (true) {
    const { done, value } = await reader.read()
    if (done) return retry
    const blocks = read(decoder.decode(value, { stream: true }))
    retry = blocks.findLast((block) => block.retry !== null)?.retry ?? retry
    const cursor = blocks.findLast((block) => block.id !== null)?.id ?? null
    onHeard(blocks.flatMap(messageIn), cursor)
  }
}

/** A message of a kind that this build does not know is none. */
function messageIn({ event, data }: { event: string | null; data: string | null }): FeedMessage[] {
  if (event === null || data === null) return []
  const { data: message } = FeedMessage.safeParse({ event, data: JSON.parse(data) as unknown })
  return message ? [message] : []
}

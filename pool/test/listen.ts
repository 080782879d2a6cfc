import { eventually } from '@convos/sandbox/testing'
import { FeedMessage } from '../src/contract/index.ts'
import type { TestPool } from './harness.ts'

/** What a browser's EventSource would know of a stream. */
export interface Listening extends Disposable {
  messages: FeedMessage[]
  /** The id to resume with; it moves without a message as well. */
  lastId: string
  /** How long to wait before coming back, as the server said last, ms. */
  retryMs: number | null
  headers: Headers
  text: string
  /** Resolves when the server ended it properly; rejects when it was cut off. */
  ended: Promise<void>
  data<E extends FeedMessage['event']>(event: E): Extract<FeedMessage, { event: E }>['data'][]
  /** Types of the events told so far, in order; of one instance or claim where `of` names it. */
  types(of?: string): string[]
  until(what: string, check: (l: Listening) => unknown): Promise<void>
}

/** Listens to a pool; every message has to have the form that the contract says. */
export async function listenTo(
  pool: TestPool,
  p: { key?: string; cookie?: string; lastEventId?: string; query?: string } = {},
): Promise<Listening> {
  const leaving = new AbortController()
  const res = await fetch(`${pool.url}/api/pool/events${p.query ?? ''}`, {
    signal: leaving.signal,
    headers: {
      ...(p.cookie === undefined ? { authorization: `Bearer ${p.key ?? pool.key}` } : { cookie: p.cookie }),
      ...(p.lastEventId === undefined ? {} : { 'last-event-id': p.lastEventId }),
    },
  })
  if (res.status !== 200 || !res.body) throw new Error(`${res.status} ${await res.text()}`)
  const l: Listening = {
    messages: [],
    lastId: '',
    retryMs: null,
    headers: res.headers,
    text: '',
    ended: read(res.body),
    data: (event) => l.messages.filter((m) => m.event === event).map((m) => m.data) as never,
    types: (of) =>
      l
        .data('activity')
        .filter((e) => of === undefined || e.instanceId === of || e.claimId === of)
        .map((e) => e.type),
    until: async (what, check) => void (await eventually(what, () => check(l))),
    [Symbol.dispose]: () => leaving.abort(),
  }
  // who does not ask how it ended does not care
  l.ended.catch(() => {})
  return l

  async function read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const bytes of body) {
      const chunk = decoder.decode(bytes, { stream: true })
      l.text += chunk
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    }
  }

  function take(block: string): void {
    const lines = block.split('\n').map((line) => /^(\w*): ?(.*)$/.exec(line) ?? [])
    const field = (name: string) => lines.find(([, key]) => key === name)?.[2]
    l.lastId = field('id') ?? l.lastId
    l.retryMs = field('retry') === undefined ? l.retryMs : Number(field('retry'))
    const data = field('data')
    if (data !== undefined) l.messages.push(FeedMessage.parse({ event: field('event'), data: JSON.parse(data) }))
  }
}

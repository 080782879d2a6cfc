import type { Activity, FeedMessage, InstanceEvent } from '@convos/pool/contract'

/** What happened since the page was opened, oldest first. */
export interface News {
  events: readonly InstanceEvent[]
  /** So many of them were read, up to `cursor`; the others were told. */
  settled: number
  cursor: string
  /** There is so much that it is not kept: the log is to be read from its end again. */
  tooMuch: boolean
}

const MOST = 2000

/** The beginning: nothing yet. */
export const noNews = (cursor: string): News => ({ events: [], settled: 0, cursor, tooMuch: false })

/** With what was read after its cursor, which is surer than what was told meanwhile. */
export function withRead(news: News, { events, cursor, more }: Activity): News {
  const all = [...news.events.slice(0, news.settled), ...events]
  if (more || all.length > MOST) return { events: [], settled: 0, cursor, tooMuch: true }
  return { events: all, settled: all.length, cursor, tooMuch: news.tooMuch }
}

/** With what the stream told, of that which passes. */
export const withTold =
  (passes: (event: InstanceEvent) => boolean) =>
  (news: News, messages: readonly FeedMessage[]): News => {
    const known = new Set(news.events.map(({ id }) => id))
    const unseen = messages.flatMap((message) =>
      message.event === 'activity' && passes(message.data) && !known.has(message.data.id) ? [message.data] : [],
    )
    if (unseen.length === 0 || news.tooMuch) return news
    const events = [...news.events, ...unseen]
    return events.length > MOST ? { ...news, events: [], settled: 0, tooMuch: true } : { ...news, events }
  }

/** All that is known, the latest first, each once: what came while a page was read may be in both. */
export function linesOf(pages: readonly Activity[], news: News | undefined): InstanceEvent[] {
  const seen = new Set<string>()
  const latestFirst = [...(news?.events ?? []).toReversed(), ...pages.flatMap(({ events }) => events.toReversed())]
  return latestFirst.filter(({ id }) => !seen.has(id) && seen.add(id))
}

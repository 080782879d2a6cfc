import type { FeedMessage } from '@convos/pool/contract'
import type { QueryClient } from '@tanstack/react-query'
import { isSignedOut } from '../api/errors.ts'
import { newsDesk, readAgain } from './apply.ts'
import { listen } from './listen.ts'
import { AT_FIRST, type LiveState, lost } from './state.ts'

/** While the stream is away its queries are read at this pace: a proxy that does not let streams through takes nothing else away. */
const FALLBACK_MS = 5_000
/** A page that nobody looks at gives its connection back after this long; browsers have few per host. */
const HIDDEN_MS = 60_000

export type LiveFeed = ReturnType<typeof createLiveFeed>

/** The one stream of news, into the query cache. */
export function createLiveFeed(client: QueryClient, onSignedOut: () => void) {
  const watchers = new Set<() => void>()
  let state: LiveState = AT_FIRST
  let heardAt = 0
  let hurry = () => {}

  function become(next: LiveState): void {
    if (next === state) return
    state = next
    for (const changed of watchers) changed()
  }

  /** Until then, or until somebody is in a hurry. */
  function pause(until: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.max(0, until - Date.now()))
    hurry = resolve
    signal.addEventListener('abort', () => resolve(), { once: true })
    return promise.finally(() => clearTimeout(timer))
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const desk = newsDesk(client)
    let cursor: string | null = null
    const onHeard = (news: FeedMessage[], at: string | null) => {
      heardAt = Date.now()
      cursor = at ?? cursor
      if (news.length > 0) desk.tell(news)
      if (news.some(({ event }) => event === 'reset')) void readAgain(client)
    }
    const onOpen = () => {
      heardAt = Date.now()
      // what happened before the first word was told to nobody
      if (cursor === null) void readAgain(client)
      become({ is: 'live' })
    }
    try {
      while (!signal.aborted) {
        await shown(signal)
        const ending = untilInDoubt(signal)
        try {
          const retryMs = await listen({ after: cursor, signal: ending.signal, onOpen, onHeard })
          // ended in good order, it is no loss
          if (retryMs !== null) await pause(Date.now() + retryMs, signal)
          else throw new Error('the stream was cut off')
        } catch (error) {
          if (signal.aborted) return
          if (isSignedOut(error)) return onSignedOut()
          if (ending.signal.aborted) continue
          const next = lost(state, { now: Date.now(), chance: Math.random() })
          become(next)
          if ('retryAt' in next) await pause(next.retryAt, signal)
        } finally {
          ending.stop()
        }
      }
    } finally {
      desk.close()
    }
  }

  function retry(): void {
    hurry()
    void readAgain(client, { cancelRefetch: false })
  }

  return {
    subscribe(changed: () => void): () => void {
      watchers.add(changed)
      return () => watchers.delete(changed)
    },
    state: () => state,
    /** When pool was heard of last. */
    heardAt: () => heardAt,
    /** Tries again at once. */
    retry,
    /** Listens until it is told to stop. */
    start(): () => void {
      const stopping = new AbortController()
      become(AT_FIRST)
      void follow(stopping.signal)
      const fallback = setInterval(() => {
        if (state.is !== 'live' && !document.hidden) void readAgain(client, { cancelRefetch: false })
      }, FALLBACK_MS)
      window.addEventListener('online', retry)
      return () => {
        clearInterval(fallback)
        window.removeEventListener('online', retry)
        stopping.abort()
      }
    },
  }
}

/** Resolves while the page is looked at. */
function shown(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve()
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look)
  })
}

/**
 * Aborted with `signal`, when the page has been out of sight for long, and when the browser says that the network is gone: the
 * stream may look alive then for long. Asked for again at once, it shows; the pool may be on this very machine.
 */
function untilInDoubt(signal: AbortSignal) {
  const doubt = new AbortController()
  const isOffline = () => doubt.abort()
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = () => {
    clearTimeout(timer)
    if (document.hidden) timer = setTimeout(() => doubt.abort(), HIDDEN_MS)
  }
  document.addEventListener('visibilitychange', look)
  window.addEventListener('offline', isOffline)
  return {
    signal: AbortSignal.any([signal, doubt.signal]),
    stop() {
      clearTimeout(timer)
      window.removeEventListener('offline', isOffline)
      document.removeEventListener('visibilitychange', look)
    },
  }
}

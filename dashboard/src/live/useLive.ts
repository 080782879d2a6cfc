import { useRouteContext } from '@tanstack/react-router'
import { useSyncExternalStore } from 'react'
import type { LiveFeed } from './feed.ts'
import type { LiveState } from './state.ts'

/** How the stream of news stands, and the feed itself. */
export function useLive(): { state: LiveState; feed: LiveFeed } {
  const feed = useRouteContext({ from: '__root__', select: (context) => context.feed })
  return { state: useSyncExternalStore(feed.subscribe, feed.state), feed }
}

import { useRouteContext } from '@tanstack/react-router'
import { useSyncExternalStore } from 'react'
import type { ApiError } from '../api/errors.ts'
import type { LiveFeed } from './feed.ts'
import { isToldByBanner, type LiveState } from './state.ts'

/** How the stream of news stands, and the feed itself. */
export function useLive(): { state: LiveState; feed: LiveFeed } {
  const feed = useRouteContext({ from: '__root__', select: (context) => context.feed })
  return { state: useSyncExternalStore(feed.subscribe, feed.state), feed }
}

/** An error in reading what is on screen, unless the banner tells of it. */
export const useUntold = (error: ApiError | null, isShown: boolean): ApiError | null =>
  isToldByBanner(useLive().state, error, isShown) ? null : error

import { useSyncExternalStore } from 'react'

const TICK_MS = 500

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** One timer for all, however many ages are on screen. */
function subscribe(changed: () => void): () => void {
  listeners.add(changed)
  timer ??= setInterval(() => listeners.forEach((listener) => listener()), TICK_MS)
  return () => {
    listeners.delete(changed)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** A value read from the clock; the component renders again only when the value itself changes. */
export const useTicking = <T extends string | number | boolean>(read: (now: number) => T): T =>
  useSyncExternalStore(subscribe, () => read(Date.now()))

import { setTimeout as sleep } from 'node:timers/promises'
import type { Box } from './builder.ts'

/** Throws when the deadline passes first, or the box ends. */
export async function within<T>(ms: number, otherwise: string, box: Box | null, done: Promise<T>): Promise<T> {
  const late = new AbortController()
  const lost = [
    sleep(ms, undefined, { signal: late.signal }).then(() => Promise.reject(new Error(`${otherwise}, ${seconds(ms)} later`))),
    ...(box ? [box.exited.then((code) => Promise.reject(new Error(`it ended with ${code}`)))] : []),
  ]
  try {
    return await Promise.race([done, ...lost])
  } finally {
    late.abort()
    for (const loser of lost) loser.catch(() => {})
  }
}

/** How long it took, in ms. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

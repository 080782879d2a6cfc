import { useCallback, useState } from 'react'

/** How wide an element is, px; null until it stands there, and `fallback` where that cannot be known. */
export function useWidth(fallback: number): [(element: HTMLElement | null) => (() => void) | undefined, number | null] {
  const [width, setWidth] = useState<number | null>(null)
  const ref = useCallback(
    (element: HTMLElement | null) => {
      if (!element) return undefined
      const measure = () => setWidth((before) => Math.floor(element.clientWidth) || (before ?? fallback))
      measure()
      if (!('ResizeObserver' in window)) return undefined
      const observer = new ResizeObserver(measure)
      observer.observe(element)
      return () => observer.disconnect()
    },
    [fallback],
  )
  return [ref, width]
}

import { useState } from 'react'

/** A ref that takes the focus when its element appears: for what replaces the thing that had it. */
export const focusOnArrival = (element: HTMLElement | null): void => element?.focus({ preventScroll: true })

/**
 * Gives the focus back to what had it before a window opened. Base UI would take the first thing in it that can be tabbed to: after
 * going to a page that is a field of it, where the next key would be typed.
 */
export function useReturnOfFocus(): () => boolean {
  const [before] = useState(() => document.activeElement)
  return () => {
    if (!(before instanceof HTMLElement) || !before.isConnected || before === document.body) return true
    before.focus({ preventScroll: true })
    return false
  }
}

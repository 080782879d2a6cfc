/** A ref that takes the focus when its element appears: for what replaces the thing that had it. */
export const focusOnArrival = (element: HTMLElement | null): void => element?.focus({ preventScroll: true })

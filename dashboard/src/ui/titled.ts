import type { PointerEvent } from 'react'

/** A title that is written when it is pointed at: to say the moment of every line takes longer than to draw it. */
export const titled = (text: () => string) => ({
  onPointerEnter: ({ currentTarget }: PointerEvent<HTMLElement>) => {
    currentTarget.title = text()
  },
})

/** The selected rows, as TanStack Table keeps them. */
export type Chosen = Record<string, true>

export const chosenFrom = (ids: readonly string[]): Chosen => Object.fromEntries(ids.map((id) => [id, true as const]))

/** One more, or one less. */
export const withToggled = (chosen: Chosen, id: string): Chosen =>
  chosen[id] ? chosenFrom(Object.keys(chosen).filter((one) => one !== id)) : { ...chosen, [id]: true }

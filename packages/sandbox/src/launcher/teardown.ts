/** Stopped in this order, the parts of one layer together: what leans on something ends before it. */
const ORDER = ['services', 'simulators', 'database'] as const
type Layer = (typeof ORDER)[number]

export interface Teardown {
  /** Told as soon as something runs, so that an interrupted start stops cleanly too. */
  add(layer: Layer, stop: () => Promise<void>): void
  isEmpty(): boolean
  run(): Promise<void>
}

export function createTeardown(): Teardown {
  const parts: { layer: Layer; stop: () => Promise<void> }[] = []
  return {
    add: (layer, stop) => void parts.push({ layer, stop }),
    isEmpty: () => parts.length === 0,
    async run() {
      for (const layer of ORDER) {
        const results = await Promise.allSettled(parts.filter((part) => part.layer === layer).map((part) => part.stop()))
        for (const result of results) if (result.status === 'rejected') console.error(`stopping ${layer}:`, result.reason)
      }
    },
  }
}

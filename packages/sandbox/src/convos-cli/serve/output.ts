import type { ServeEvent } from './protocol.ts'

export type Emit = (event: ServeEvent) => Promise<void>

/** Writes an event as one line; done once whoever reads has it, or could have it. */
export const emit: Emit = (event) =>
  new Promise((resolve, reject) => {
    process.stdout.write(`${JSON.stringify(event)}\n`, (error) => (error ? reject(error) : resolve()))
  })

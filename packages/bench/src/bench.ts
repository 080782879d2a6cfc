import { createLogger } from '@convos/kit'
import type { Size } from './options.ts'
import type { Row } from './report.ts'

/** What every part of the benchmark works with. */
export interface Bench {
  size: Size
  seed: number
  /** Tells somebody who watches how far it is. */
  say(text: string): void
  /** Ended at the end, the last one first, however the benchmark ends. */
  cleanup: AsyncDisposableStack
  /** Aborted by Ctrl-C. */
  interrupted: AbortSignal
}

export type Measure = (bench: Bench) => Promise<Row[]>

/** What fails is thrown; a server that is stopped cuts idle connections, which is no news. */
export const SILENT = createLogger('bench', 'silent')

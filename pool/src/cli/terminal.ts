/** Where a command reads from and writes to. */
export interface Terminal {
  env: NodeJS.ProcessEnv
  out(text: string): void
  err(text: string): void
  /** Rewrites one line; null where nobody watches. */
  progress: ((text: string) => void) | null
}

/** Something is wrong with how the command was called. */
export class Usage extends Error {}

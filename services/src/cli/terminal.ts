/** Where a command reads from and writes to. */
export interface Terminal {
  env: NodeJS.ProcessEnv
  out(text: string): void
  err(text: string): void
  /** Rewrites one line; null where nobody watches. */
  progress: ((text: string) => void) | null
  /** Null where nobody can answer. */
  ask: ((question: string) => Promise<string>) | null
}

/** Something is wrong with how the command was called. */
export class Usage extends Error {}

/** It was called rightly and cannot be done; the message is for people. */
export class Refused extends Error {}

/**
 * Goes on only after `--yes`, or when somebody types `word`.
 * @throws Refused when they type something else
 * @throws Usage when nobody can be asked
 */
export async function confirm(terminal: Terminal, p: { yes: boolean; warning: string; word: string }): Promise<void> {
  terminal.err(p.warning)
  if (p.yes) return
  if (!terminal.ask) throw new Usage('nobody can be asked here: say --yes')
  const answer = await terminal.ask(`Type "${p.word}" to go on: `)
  if (answer.trim() !== p.word) throw new Refused('nothing was done')
}

import { Refused, type Terminal as AnyTerminal, Usage } from '@convos/kit'

export interface Terminal extends AnyTerminal {
  /** Null where nobody can answer. */
  ask: ((question: string) => Promise<string>) | null
}

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

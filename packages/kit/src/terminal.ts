import { createInterface } from 'node:readline/promises'
import { Refused, type Terminal, Usage } from './cli.ts'

export interface AskingTerminal extends Terminal {
  /** Null where nobody can answer. */
  ask: ((question: string) => Promise<string>) | null
}

/** The terminal of this process. */
export function processTerminal(env: NodeJS.ProcessEnv): AskingTerminal {
  const { stdin, stdout, stderr } = process
  return {
    env,
    out: (text) => stdout.write(`${text}\n`),
    err: (text) => stderr.write(`${text}\n`),
    progress: stderr.isTTY ? (text) => stderr.write(`\r\u001B[2K${text}`) : null,
    ask: stdin.isTTY && stderr.isTTY ? ask : null,
  }
}

/** Questions go where the answer's reader is not: what is asked for may be piped. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

/**
 * Goes on only after `--yes`, or when somebody types `word`.
 * @throws Refused when they type something else
 * @throws Usage when nobody can be asked
 */
export async function confirm(terminal: AskingTerminal, p: { yes: boolean; warning: string; word: string }): Promise<void> {
  terminal.err(p.warning)
  if (p.yes) return
  if (!terminal.ask) throw new Usage('nobody can be asked here: say --yes')
  const answer = await terminal.ask(`Type "${p.word}" to go on: `)
  if (answer.trim() !== p.word) throw new Refused('nothing was done')
}

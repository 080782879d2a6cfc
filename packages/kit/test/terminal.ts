import type { Terminal } from '../src/cli.ts'

/** A terminal that keeps what it is told. */
export function keptTerminal() {
  const said = { out: '', err: '' }
  const terminal: Terminal = {
    env: {},
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    progress: null,
  }
  return { said, terminal }
}

import type { Logger } from '@convos/kit/server'
import { secretsOf } from './environment.ts'

const LONGEST_LINE = 2_000
/** Shorter ones stand in words by chance. */
const SHORTEST_SECRET = 8
const TROUBLE = /\b(error|fail(ed|ure)?|fatal|warn(ing)?|exception|denied)\b/i
// oxlint-disable-next-line no-control-regex -- the escape that colours begin with
const COLOUR = /\u001B\[[\d;]*m/g

/** What the gateway prints, as lines of our own log: without colours and without the secrets it was given. */
export function gatewayLog(log: Logger, env: Readonly<Record<string, string>>) {
  const secrets = secretsOf(env).filter(({ length }) => length >= SHORTEST_SECRET)
  let last = ''
  return {
    line(raw: string, from: 'stdout' | 'stderr'): void {
      const text = cleaned(raw, secrets)
      if (text === '') return
      last = text
      const level = TROUBLE.test(text) ? 'warn' : 'info'
      log[level]({ from: `gateway ${from}` }, text)
    },
    /** Its latest words, which tell best why it ended. */
    last: () => last,
  }
}

const cleaned = (raw: string, secrets: readonly string[]): string =>
  secrets
    .reduce((text, secret) => text.replaceAll(secret, '[redacted]'), raw.replaceAll(COLOUR, ''))
    .slice(0, LONGEST_LINE)
    .trim()

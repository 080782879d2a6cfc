import { inWords } from '../words.ts'
import { fault, type Finding, type Seen } from './finding.ts'

/** One thing that is looked at; it changes nothing. */
export interface Check {
  about: string
  /** Where it may take longer than others, ms. */
  timeoutMs?: number
  look(): Promise<readonly Seen[]>
}

export interface RunOptions {
  /** How long one check may take, ms. */
  timeoutMs: number
  /** Values that must not be shown, whatever a provider or a driver says. */
  secrets: readonly string[]
}

/** Runs all checks at once; one that fails or hangs is a finding of its own. In the order of the checks. */
export async function runChecks(checks: readonly Check[], options: RunOptions): Promise<Finding[]> {
  const findings = await Promise.all(checks.map((check) => lookAt(check, check.timeoutMs ?? options.timeoutMs)))
  return findings.flat().map((finding) => scrubbed(finding, options.secrets))
}

async function lookAt({ about, look }: Check, timeoutMs: number): Promise<Finding[]> {
  const late = Promise.withResolvers<readonly Seen[]>()
  const seconds = Math.ceil(timeoutMs / 1000)
  const timer = setTimeout(
    () => late.resolve([fault('NO_ANSWER', `no answer within ${seconds} s`, 'see whether it is down or unreachable from here')]),
    timeoutMs,
  )
  try {
    const seen = await Promise.race([look(), late.promise])
    return seen.map((one) => ({ about, ...one }))
  } catch (err) {
    return [{ about, ...fault('CHECK_FAILED', inWords(err), 'this was not foreseen: look at what it says') }]
  } finally {
    clearTimeout(timer)
  }
}

const scrubbed = (finding: Finding, secrets: readonly string[]): Finding => {
  const clean = (text: string) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
  return { ...finding, seen: clean(finding.seen), todo: finding.todo && clean(finding.todo) }
}

const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|WEBHOOK/
/** Shorter values would be found in ordinary words. */
const SHORTEST = 8

/** What of an environment must not be shown: every secret, each entry of a list, and the passwords in URLs. */
export function secretsOf(env: NodeJS.ProcessEnv): string[] {
  const secrets = Object.entries(env).flatMap(([name, value = '']) => [
    ...(SECRET_NAME.test(name)
      ? [value, ...value.split(','), ...value.split(',').map((entry) => entry.split(':').at(-1) ?? '')]
      : []),
    ...[...value.matchAll(/\/\/[^/@:]*:([^/@]+)@/g)].flatMap(([, password = '']) => [password, decodeURIComponent(password)]),
  ])
  const trimmed = secrets.map((secret) => secret.trim()).filter((secret) => secret.length >= SHORTEST)
  return [...new Set(trimmed)].toSorted((a, b) => b.length - a.length)
}

import { readFileSync } from 'node:fs'
import { z } from 'zod'

export type Vars = Readonly<Record<string, string>>

const Overlay = z.record(z.string(), z.string())

/**
 * The variables as they are at this moment: what the file named by `AGENT_ENV_FILE` holds wins over the process's own. Read at
 * each use, for a tool that is provisioned while the agent runs has its variables there. One that is empty is not set.
 * @throws Error when the file is there and not readable as variables; the message holds none of them
 */
export function currentVars(env: NodeJS.ProcessEnv): Vars {
  const vars = { ...env, ...readOverlay(env['AGENT_ENV_FILE']) }
  return Object.fromEntries(Object.entries(vars).filter((entry): entry is [string, string] => Boolean(entry[1])))
}

function readOverlay(file: string | undefined): Vars {
  if (!file) return {}
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return {}
    throw err
  }
  try {
    return Overlay.parse(JSON.parse(text))
  } catch {
    // neither what is wrong nor where: both may quote a value
    throw new Error(`${file} does not hold variables`)
  }
}

const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD/i
/** What is shorter may stand in any text by chance. */
const SECRET_LENGTH = 8

/** The values that nobody may be shown, the longest first: one may hold another. */
export const secretsOf = (vars: Vars): string[] =>
  Object.entries(vars)
    .flatMap(([name, value]) => (SECRET_NAME.test(name) && value.length >= SECRET_LENGTH ? [value] : []))
    .toSorted((a, b) => b.length - a.length)

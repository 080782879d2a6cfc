import { readFileSync } from 'node:fs'

export interface ExampleVariable {
  name: string
  value: string
  /** It stands behind a `#`: optional, or with its default. */
  optional: boolean
  /** The line above it says what it is. */
  explained: boolean
}

const VARIABLE = /^(# )?([A-Z][A-Z0-9_]*)=(.*)$/

/** The variables of an `.env.example`, in its order. */
export function readEnvExample(path: string): ExampleVariable[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.flatMap((line, at) => {
    const [, hash, name, value = ''] = VARIABLE.exec(line) ?? []
    const above = lines[at - 1] ?? ''
    const explained = /^# \S/.test(above) && !VARIABLE.test(above)
    return name === undefined ? [] : [{ name, value, optional: hash !== undefined, explained }]
  })
}

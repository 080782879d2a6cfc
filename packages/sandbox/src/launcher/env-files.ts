import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** `.data/<part>.env`: what a part runs with, for commands that work with its own variables while it runs (`node --env-file`). */
export const envFile = (dataDir: string, part: string): string => join(dataDir, `${part}.env`)

export function writeEnvFile(file: string, env: Readonly<Record<string, string>>): void {
  const { PATH: _path, HOME: _home, ...own } = env
  const lines = Object.entries(own).map(([name, value]) => `${name}=${quoted(name, value)}\n`)
  writeFileSync(`${file}.new`, lines.join(''), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export const removeEnvFile = (file: string): void => rmSync(file, { force: true })

/** In quotes nothing is replaced; which ones there are is for the value to say. */
function quoted(name: string, value: string): string {
  const quote = ["'", '"', '`'].find((each) => !value.includes(each))
  if (quote === undefined) throw new Error(`${name} holds every kind of quote`)
  return `${quote}${value}${quote}`
}

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isMissing } from './files.ts'

/** Where everything lies that must outlive the process. */
export interface StateFolder {
  /** Holds all of the following, what the `convos` command lays down for a while, and nothing else. */
  root: string
  binding: string
  overlay: string
  journal: string
  /** The `convos` command's own: made by it together with the identity. */
  convosHome: string
}

export const stateFolder = (stateDir: string): StateFolder => ({
  root: stateDir,
  binding: join(stateDir, 'binding.json'),
  overlay: join(stateDir, 'env.json'),
  journal: join(stateDir, 'conversation.json'),
  convosHome: join(stateDir, 'convos'),
})

/** Nothing at all on the disk, not even half of a write that was cut off; asked anew each time, for a file may outlive what memory knows. */
export function isUntouched({ root }: StateFolder): boolean {
  try {
    return readdirSync(root).length === 0
  } catch (err) {
    if (isMissing(err)) return true
    throw err
  }
}

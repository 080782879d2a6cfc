import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where everything lies that must outlive the process. */
export interface StateFolder {
  binding: string
  overlay: string
  journal: string
  /** The `convos` command's own: made by it together with the identity. */
  convosHome: string
}

export const stateFolder = (stateDir: string): StateFolder => ({
  binding: join(stateDir, 'binding.json'),
  overlay: join(stateDir, 'env.json'),
  journal: join(stateDir, 'conversation.json'),
  convosHome: join(stateDir, 'convos'),
})

/** No binding, no identity, no session, no overlay on the disk; asked anew each time, for a file may outlive what memory knows. */
export const isUntouched = (state: StateFolder): boolean => !Object.values(state).some((path: string) => existsSync(path))

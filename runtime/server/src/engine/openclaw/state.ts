import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isMissing } from '../../state/files.ts'

/** The gateway's part of the volume. */
export interface GatewayFolders {
  /** Its state: configuration, databases, and what the set-up notes about the workspace. */
  state: string
  /** The agent's own files. */
  workspace: string
}

export const gatewayFolders = (root: string): GatewayFolders => ({
  state: join(root, 'openclaw'),
  workspace: join(root, 'workspace'),
})

/** Sessions, transcripts and what the agent knows: made at the first turn, never by a start. */
const SESSIONS = 'agents'
/** `<sha256>  <path>` for each seeded file of the workspace, written by the set-up. */
const SEEDED = 'workspace.sha256'

/** Whether nothing is left of any turn: no session, and the workspace as it was seeded. Before the first start that is true as well. */
export function isUnused({ state, workspace }: GatewayFolders): boolean {
  if (existsSync(join(state, SESSIONS))) return false
  const seeded = new Map([...readIfThere(join(state, SEEDED)).matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)].map((m) => [m[2], m[1]]))
  const present = filesIn(workspace)
  return present.length === seeded.size && present.every((path) => seeded.get(path) === sha256(join(workspace, path)))
}

/** Nothing at all remains; the next start sets everything up again. */
export function wipe({ state, workspace }: GatewayFolders): void {
  for (const folder of [state, workspace]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  } catch (err) {
    if (isMissing(err)) return []
    throw err
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (err) {
    if (isMissing(err)) return ''
    throw err
  }
}

/** Null for what is no file that could be read. */
function sha256(file: string): string | null {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex')
  } catch {
    return null
  }
}

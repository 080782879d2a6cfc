import { createHash } from 'node:crypto'
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type Hashes, mergePlan } from './merge-plan.ts'

const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Null: nothing there. Anything but a plain file is nobody's seed, and looks changed. */
function hashAt(path: string): string | null {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return null
  return stat.isFile() ? hash(path) : 'not a file'
}

function readManifest(manifest: string): Hashes {
  try {
    const lines = readFileSync(manifest, 'utf8').matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)
    return Object.fromEntries([...lines].map(([, sum = '', path = '']) => [path, sum]))
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw err
  }
}

/**
 * Brings the seeded files of a workspace up to date, but for what was changed there, and returns the names of that. The manifest
 * holds what was seeded last, in the format of sha256sum.
 */
export function syncWorkspace({ seed, workspace, manifest }: { seed: string; workspace: string; manifest: string }): string[] {
  const files = readdirSync(seed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(seed, join(entry.parentPath, entry.name)))
  const seeded = readManifest(manifest)
  const wanted: Hashes = Object.fromEntries(files.map((path) => [path, hash(join(seed, path))]))
  const present = Object.fromEntries(
    [...Object.keys(wanted), ...Object.keys(seeded)].map((path) => [path, hashAt(join(workspace, path))]),
  )

  const plan = mergePlan({ wanted, seeded, present })
  for (const path of plan.copy) {
    const target = join(workspace, path)
    const draft = `${target}.${process.pid}.tmp`
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(join(seed, path), draft)
    renameSync(draft, target)
  }
  for (const path of plan.remove) rmSync(join(workspace, path))

  const draft = `${manifest}.${process.pid}.tmp`
  const lines = Object.entries(plan.seeded).map(([path, sum]) => `${sum}  ${path}\n`)
  writeFileSync(draft, lines.join(''))
  renameSync(draft, manifest)
  return plan.keep
}

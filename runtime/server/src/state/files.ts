import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'

/**
 * Reads a state file; null when there is none.
 * @throws Error when it is not what this server writes: nothing is guessed about somebody's agent
 */
export function readState<S extends z.ZodType>(file: string, schema: S): z.output<S> | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (err) {
    if (isMissing(err)) return null
    throw err
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${file} is not readable as state`, { cause })
  }
}

/**
 * Replaces a state file as a whole; on return it is on the disk. Synchronous on purpose: a change of state and its record
 * are one step, so nothing that runs in between can see or overtake half of it.
 */
export function writeState(file: string, value: unknown): void {
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const temporary = `${file}.new`
  const fd = openSync(temporary, 'w', 0o600)
  try {
    // unlike `writeSync` it writes all of it or throws, on a full disk too
    writeFileSync(fd, JSON.stringify(value))
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, file)
  syncFolder(folder)
}

/** Removes a file or folder; on return that is on the disk. */
export function removeState(path: string): void {
  rmSync(path, { recursive: true, force: true })
  try {
    syncFolder(dirname(path))
  } catch (err) {
    if (!isMissing(err)) throw err
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

export const isMissing = (err: unknown) => err instanceof Error && 'code' in err && err.code === 'ENOENT'

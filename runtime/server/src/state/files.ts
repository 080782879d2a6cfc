import { closeSync, constants, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'

/**
 * Reads a state file; null when there is none.
 * @throws Error when it is not what this server writes: nothing is guessed about somebody's agent
 */
export function readState<S extends z.ZodType>(file: string, schema: S): z.output<S> | null {
  const text = readText(file)
  if (text === null) return null
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${file} is not readable as state`, { cause })
  }
}

/** Null when there is no such file. */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (err) {
    if (isMissing(err)) return null
    throw err
  }
}

/**
 * Replaces a state file as a whole; on return it is on the disk. Synchronous on purpose: a change of state and its record
 * are one step, so nothing that runs in between can see or overtake half of it.
 */
export function writeState(file: string, value: unknown): void {
  writeText(file, JSON.stringify(value))
}

export function writeText(file: string, text: string): void {
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const temporary = `${file}.new`
  put(temporary, text, 'w')
  renameSync(temporary, file)
  syncFolder(folder)
}

/** Adds to a file that is there; on return it is on the disk, after a failure some of it may be. */
export const appendText = (file: string, text: string): void => put(file, text, constants.O_APPEND | constants.O_WRONLY)

function put(file: string, text: string, flags: string | number): void {
  const fd = openSync(file, flags, 0o600)
  try {
    // unlike `writeSync` it writes all of it or throws, on a full disk too
    writeFileSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
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

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes that come close together become one. */
const DEBOUNCE_MS = 40
/** Nothing is answered while a snapshot is taken: of thousands of instances it is taken less often. */
const SNAPSHOT_SHARE = 0.02

export interface StateFile {
  /** The stored snapshot, or `null` when there is none yet. */
  read(): Promise<unknown>
  /** Something may have changed: a snapshot is written shortly. */
  touch(): void
  /** Writes now, after whatever is still being written. */
  flush(): Promise<void>
}

/** Keeps `snapshot()` in `path`; a reader sees the old or the new one, never half of it. */
export function stateFile(path: string, snapshot: () => unknown): StateFile {
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let pauseMs = DEBOUNCE_MS

  const write = async () => {
    const temporary = `${path}.${process.pid}.tmp`
    await mkdir(dirname(path), { recursive: true })
    const began = performance.now()
    const text = JSON.stringify(snapshot())
    pauseMs = Math.max(DEBOUNCE_MS, (performance.now() - began) / SNAPSHOT_SHARE)
    // It holds every variable of every instance: for its owner only.
    await writeFile(temporary, text, { mode: 0o600 })
    await rename(temporary, path)
  }
  const enqueue = () => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.catch(() => undefined).then(write)
    return writing
  }

  return {
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null
        throw error
      })
      return text === null ? null : (JSON.parse(text) as unknown)
    },
    touch() {
      timer ??= setTimeout(() => {
        enqueue().catch((error: unknown) => console.error(`sandbox: cannot write ${path}:`, error))
      }, pauseMs)
    },
    flush: enqueue,
  }
}

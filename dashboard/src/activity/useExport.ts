import { useEffect, useRef, useState } from 'react'
import { ApiError } from '../api/errors.ts'
import { type LogFilter, readLog } from '../api/log.ts'
import { type Format, gather, type Gathered, nothingYet } from './exporting.ts'

const PAGE = 1000

/** An export under way; it ends with whoever looks at it, goes on where it stopped, and is handed to `onDone` when it is whole. */
export function useExport(filter: LogFilter, format: Format, onDone: (file: Gathered) => void) {
  const [so, setSo] = useState(nothingYet)
  const [state, setState] = useState<'idle' | 'running' | 'stopped' | 'done'>('idle')
  const [error, setError] = useState<ApiError | null>(null)
  const running = useRef<AbortController>(null)
  useEffect(() => () => running.current?.abort(), [])

  async function start(): Promise<void> {
    const { signal } = (running.current = new AbortController())
    setError(null)
    setState('running')
    try {
      const read = (before: string | undefined) => readLog(filter, { before, limit: PAGE }, signal)
      const file = await gather({ from: so, format, read, tell: setSo, signal })
      if (signal.aborted) return
      setState('done')
      if (file.count > 0) onDone(file)
    } catch (cause) {
      if (signal.aborted) return
      setState('stopped')
      if (!(cause instanceof ApiError)) throw cause
      setError(cause)
    }
  }
  return {
    so,
    state,
    error,
    start: () => void start(),
    stop: () => {
      running.current?.abort()
      setState('stopped')
    },
  }
}

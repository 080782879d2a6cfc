import { useState } from 'react'
import type { z } from 'zod'

/** State of this tab that survives a reload; what is stored in another shape counts as absent. */
export function useSessionState<T>(name: string, schema: z.ZodType<T>, initial: T): [T, (next: T) => void] {
  const [value, setValue] = useState(() => read(name, schema) ?? initial)
  const store = (next: T) => {
    sessionStorage.setItem(name, JSON.stringify(next))
    setValue(next)
  }
  return [value, store]
}

function read<T>(name: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(sessionStorage.getItem(name) ?? 'null')).data
  } catch {
    return undefined
  }
}

import { readFileSync } from 'node:fs'

/** Of /proc on every Linux that Node runs on. */
const TICK_MS = 10

/** Processor time that a process has used so far, ms; null where there is no /proc. */
export function processorMs(pid: number): number | null {
  try {
    // the name, in parentheses, may hold anything
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return null
  }
}

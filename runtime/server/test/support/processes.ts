import { readdirSync, readFileSync } from 'node:fs'

export interface Seen {
  pid: number
  environ: string[]
}

/** Every process of this machine that was started with such a variable, `NAME=value`. */
export function processesWith(variable: string): Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), environ: environOf(name) }))
    .filter(({ environ }) => environ.includes(variable))
}

/** Empty for one that ended meanwhile, or is none of ours. */
function environOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

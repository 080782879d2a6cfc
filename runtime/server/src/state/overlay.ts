import { z } from 'zod'
import { readState, removeState, writeState } from './files.ts'

type Vars = Readonly<Record<string, string>>

/** Variables laid over the process's own ones at run time; they live on the volume and never reach the `convos` command. */
export class Overlay {
  readonly #file: string
  #vars: Vars

  constructor(file: string) {
    this.#file = file
    this.#vars = readState(file, z.record(z.string(), z.string())) ?? {}
  }

  get vars(): Vars {
    return this.#vars
  }

  /** Null takes a variable away. */
  merge(vars: Readonly<Record<string, string | null>>): void {
    const merged = Object.entries({ ...this.#vars, ...vars }).filter((entry): entry is [string, string] => entry[1] !== null)
    this.#write(Object.fromEntries(merged))
  }

  /** For a new claim: what was laid over for another one must not be seen by it. */
  replace(vars: Vars): void {
    this.#write(vars)
  }

  #write(vars: Vars): void {
    if (Object.keys(vars).length === 0) removeState(this.#file)
    else writeState(this.#file, vars)
    this.#vars = vars
  }
}

import type { z } from 'zod'
import { appendText, readText, removeState, writeText } from './files.ts'

/** So much may be appended, or as much as the state itself is long, before the file is written anew. */
const APPENDED_MIN_CHARS = 64 * 1024

interface Shape<State, Step> {
  state: z.ZodType<State>
  step: z.ZodType<Step>
  /** Null where the step changes nothing; nothing is written then. */
  advance(state: State, step: Step): State | null
}

/**
 * A state and the steps since, a line of JSON each: a step costs what it is long, however much there is to be remembered, and
 * once the steps outweigh the state they are folded into it.
 *
 * What was taken is on the disk. A last line without its end was cut off while it was written; nobody was told of that step, and
 * it counts as never taken.
 */
export class StateLog<State, Step> {
  readonly #file: string
  readonly #shape: Shape<State, Step>
  #state: State | null
  #stateChars = 0
  #appendedChars = 0
  /** Whether the file ends where memory thinks it does. */
  #isWhole: boolean

  /** @throws Error when the file is not what this server writes: nothing is guessed about somebody's agent */
  constructor(file: string, shape: Shape<State, Step>) {
    this.#file = file
    this.#shape = shape
    const text = readText(file)
    this.#isWhole = text?.endsWith('\n') ?? false
    this.#state = text === null ? null : this.#replay(text)
  }

  get state(): State | null {
    return this.#state
  }

  /** Begins with this state, whatever was before. */
  begin(state: State): void {
    const text = `${JSON.stringify(state)}\n`
    this.#isWhole = false
    writeText(this.#file, text)
    this.#isWhole = true
    this.#stateChars = text.length
    this.#appendedChars = 0
    this.#state = state
  }

  /** Whether the step changed anything. */
  take(step: Step): boolean {
    const next = this.#state === null ? null : this.#shape.advance(this.#state, step)
    if (next === null) return false
    const text = `${JSON.stringify(step)}\n`
    const appended = this.#appendedChars + text.length
    if (!this.#isWhole || appended > Math.max(this.#stateChars, APPENDED_MIN_CHARS)) {
      this.begin(next)
      return true
    }
    // a write that fails may have left half a line, which only writing anew gets rid of
    this.#isWhole = false
    appendText(this.#file, text)
    this.#isWhole = true
    this.#appendedChars = appended
    this.#state = next
    return true
  }

  remove(): void {
    removeState(this.#file)
    this.#state = null
  }

  #replay(text: string): State {
    const [first = '', ...steps] = text.split('\n')
    const cutOff = steps.pop() ?? ''
    this.#stateChars = first.length
    this.#appendedChars = text.length - first.length - cutOff.length
    try {
      return steps
        .map((line) => this.#shape.step.parse(JSON.parse(line)))
        .reduce((state, step) => this.#shape.advance(state, step) ?? state, this.#shape.state.parse(JSON.parse(first)))
    } catch (cause) {
      throw new Error(`${this.#file} is not readable as state`, { cause })
    }
  }
}

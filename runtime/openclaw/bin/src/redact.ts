const HIDDEN = '[hidden]'

/** The text without these values. */
export const redact = (text: string, secrets: readonly string[]): string => {
  const redactor = new Redactor(secrets)
  return redactor.push(text) + redactor.end()
}

/** Takes values out of a text that comes in pieces; what may be the beginning of one is held back. */
export class Redactor {
  readonly #pattern: RegExp | null
  readonly #longest: number
  #pending = ''

  /** @param secrets the longest first */
  constructor(secrets: readonly string[]) {
    const escaped = secrets.map((secret) => secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    this.#pattern = escaped.length > 0 ? new RegExp(escaped.join('|')) : null
    this.#longest = secrets[0]?.length ?? 1
  }

  push(piece: string): string {
    this.#pending += piece
    // whether a value begins at a place is known once the longest one would have ended
    return this.#take(this.#pending.length - this.#longest + 1)
  }

  end(): string {
    return this.#take(this.#pending.length)
  }

  #take(decided: number): string {
    let [out, at] = ['', 0]
    for (;;) {
      const hit = this.#pattern?.exec(this.#pending.slice(at))
      if (!hit || at + hit.index >= decided) break
      out += this.#pending.slice(at, at + hit.index) + HIDDEN
      at += hit.index + hit[0].length
    }
    const end = Math.max(at, decided)
    out += this.#pending.slice(at, end)
    this.#pending = this.#pending.slice(end)
    return out
  }
}

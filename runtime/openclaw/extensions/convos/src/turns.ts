/** So many answers are remembered, for who asks again because the first one did not arrive. */
const KEPT = 50

/**
 * Runs work under ids: one after the other, and each once. Who asks for an id again while it runs or after it ended well gets the
 * same outcome; what failed may be tried anew.
 */
export class Turns<T> {
  readonly #known = new Map<string, Promise<T>>()
  #last: Promise<unknown> = Promise.resolve()

  run(id: string, work: () => Promise<T>): Promise<T> {
    const known = this.#known.get(id)
    if (known) return known
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    this.#known.set(id, turn)
    turn.catch(() => this.#known.delete(id))
    const [oldest] = this.#known.keys()
    if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest)
    return turn
  }
}

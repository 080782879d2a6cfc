/** A step of a replica: a statement, or one half of a call. It takes place when the schedule says so. */
interface Step {
  process: Process
  label: string
  run(): Promise<unknown>
  /** The session it runs in, if it is a statement. */
  session: () => Session | null
  resolve(value: unknown): void
  reject(err: unknown): void
}

/** A session of the database as far as the schedule has to know it. */
export interface Session {
  readonly processID: number
}

/** A statement under way; one that waited for a lock is heard of when the schedule says so. */
interface Running {
  session: Session
  over: boolean
  ended: Promise<void>
  hear(): void
}

/** A replica of pool, as something that can die or stand still between any two of its steps. */
export interface Process {
  readonly name: string
  state: 'running' | 'frozen' | 'dead'
  /** It dies in its n-th step from now: before that has an effect, or after, before it hears of it. */
  crash: { in: number; when: 'before' | 'after' } | null
  /** What ends with it; does not wait for a statement that waits for a lock. */
  readonly onDeath: (() => Promise<void>)[]
}

/** How often everything happened, over all histories. */
export type Count = (what: string) => void

export type Schedule = ReturnType<typeof createSchedule>

/** The same seed draws the same numbers (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

/** What a promise that nobody will ever settle looks like: the caller's process is gone. */
const never = <T>() => new Promise<T>(() => {})

/**
 * Lets the steps of all replicas take place one at a time, in an order drawn from the seed, so that a history can be played
 * again. A statement that waits for the lock of another session is left waiting, and the others go on.
 */
export function createSchedule(p: {
  seed: number
  /** Whether the session waits for a lock now. */
  waitsForLock(session: Session): Promise<boolean>
  count: Count
}) {
  const below = randomFrom(p.seed)
  const trace: string[] = []
  const transactions = new Set<Session>()
  const blocked = new Set<Running>()
  /** One may die within a step, which does not wait for it; the next one does. */
  const deaths = new Set<Promise<unknown>>()
  /** Transactions that the server is taking back: only when that is done are their locks free. */
  const endings = new Set<Promise<unknown>>()
  let waiting: Step[] = []
  let breakStatement: { in: number; when: 'before' | 'after' } | null = null

  /** Asks for a step; never answers once the process is dead. */
  function pass<T>(process: Process, label: string, run: () => Promise<T>, session: Step['session'] = () => null): Promise<T> {
    if (process.state === 'dead') return never()
    return new Promise<T>((resolve, reject) => waiting.push({ process, label, run, session, resolve, reject }))
  }

  async function kill(process: Process): Promise<void> {
    if (process.state === 'dead') return
    process.state = 'dead'
    waiting = waiting.filter((step) => step.process !== process)
    trace.push(`${process.name} dies`)
    const death = Promise.all(process.onDeath.map((end) => end())).then(letOn)
    deaths.add(death)
    await death
    deaths.delete(death)
  }

  /** Those whose lock is free by now come to their end, or to the next one that they wait for; whether there were any. */
  async function letOn(): Promise<boolean> {
    let any = false
    await Promise.all(endings)
    for (const one of blocked) {
      if (!(await untilOverOrWaiting(one))) continue
      any = true
      blocked.delete(one)
      one.hear()
      await turn()
      await Promise.all(endings)
    }
    return any
  }

  function deliver(step: Step, settle: () => void): void {
    if (step.process.state === 'dead') return
    if (step.process.state === 'running') return settle()
    // it stands still: the answer is there when it goes on
    const later = { ...step, label: `hear ${step.label}`, session: () => null }
    waiting.push({ ...later, run: () => Promise.resolve(), resolve: settle, reject: settle })
  }

  /** Null: no; else at which side of the step the armed event strikes. */
  function due(armed: { in: number; when: 'before' | 'after' } | null): 'before' | 'after' | null {
    return armed && armed.in-- <= 0 ? armed.when : null
  }

  async function untilOverOrWaiting(running: Running): Promise<boolean> {
    while (!running.over) {
      const waits = await Promise.race([running.ended.then(() => false), p.waitsForLock(running.session)])
      if (waits && !running.over) return false
    }
    return true
  }

  /** Lets one step take place, of this process where one is given; false when there is none. */
  async function next(only: Process | null = null): Promise<boolean> {
    await Promise.all(deaths)
    const able = waiting.filter((s) => s.process.state === 'running' && (only === null || s.process === only))
    const chosen = able[below(able.length)]
    if (!chosen) return false
    waiting = waiting.filter((s) => s !== chosen)
    const { process, label } = chosen
    trace.push(`${process.name} ${label}`)
    const crash = due(process.crash)
    if (crash) process.crash = null
    if (crash === 'before') {
      p.count(`killed before: ${label}`)
      await kill(process)
      return true
    }
    const openBefore = transactions.size
    const isStatement = label.startsWith('sql ')
    const broken = isStatement ? due(breakStatement) : null
    if (broken) {
      breakStatement = null
      p.count(`fault: database ${broken}`)
      trace.push(`  the connection breaks ${broken} it`)
    }
    const lost = () => new Error('Connection terminated unexpectedly')
    const outcome = broken === 'before' ? Promise.reject(lost()) : chosen.run()
    let crashed = false
    let parked: (() => void)[] | null = null
    const conclude = (settle: () => void) => {
      if (crash === 'after') crashed = true
      // whose turn it is to hear of it first must not depend on which answer comes in first
      else if (parked) parked.push(() => deliver(chosen, settle))
      else deliver(chosen, settle)
    }
    const ended = outcome.then(
      (value) => conclude(() => (broken === 'after' ? chosen.reject(lost()) : chosen.resolve(value))),
      (err: unknown) => conclude(() => chosen.reject(err)),
    )
    let concluded = false
    void ended.then(() => (concluded = true))
    // its connection may be a new one
    const isConnecting = () => isStatement && !concluded && chosen.session() === null
    do await turn()
    while (isConnecting())
    const session = chosen.session()
    const others = [...transactions].some((other) => other !== session)
    if (session && others) {
      const running: Running = { session, over: false, hear: () => {}, ended: ended.then(() => void (running.over = true)) }
      if (!(await untilOverOrWaiting(running))) {
        trace.push('  and waits for a lock')
        p.count('waited for a lock')
        parked = []
        const heard = parked
        blocked.add(running)
        running.hear = () => heard.forEach((tell) => tell())
        if (crash === 'after') await kill(process)
        return true
      }
    } else await ended
    if (crashed) {
      p.count(`killed after: ${label}`)
      await kill(process)
    }
    const ends = transactions.size < openBefore
    // only the end of a transaction lets others go on
    await turn()
    if (ends) await letOn()
    await turn()
    return true
  }

  return {
    pass,
    kill,
    letOn,
    step: next,
    ends(ending: Promise<unknown>): void {
      endings.add(ending)
      void ending.finally(() => endings.delete(ending))
    },
    trace,
    transactions,
    below,
    idle: () => !waiting.some(({ process }) => process.state === 'running'),
    /** Whether a step of this process, by the beginning of its label, is next. */
    asks: (process: Process, label: string) => waiting.some((s) => s.process === process && s.label.startsWith(label)),
    /** The n-th statement from now fails, before or after its effect. */
    breakStatement: (armed: { in: number; when: 'before' | 'after' } | null) => void (breakStatement = armed),
    spawn: (name: string): Process => ({ name, state: 'running', crash: null, onDeath: [] }),
  }
}

/** Until everything that promises lead to has come to its next step. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

import type { Request, Response } from 'express'
import type { ActiveFault } from './faults.ts'

/** Whatever the simulator answers from here on, the caller sees only its connection die. */
export function loseAnswer(req: Request, res: Response): void {
  const drop = () => {
    req.socket.destroy()
    return res
  }
  Object.assign(res, { flushHeaders: () => undefined, write: () => true, end: drop })
}

/** Whatever the simulator answers reaches the caller once the rule is cleared, if it is still there. */
export async function withholdAnswer(res: Response, fault: ActiveFault): Promise<void> {
  const answer: (() => void)[] = []
  let complete = false
  let released = false
  const later = (name: 'flushHeaders' | 'write' | 'end') => {
    const act: (...args: never[]) => unknown = res[name].bind(res)
    return (...args: never[]) => {
      if (released) return act(...args)
      answer.push(() => act(...args))
      if (name === 'end') {
        complete = true
        fault.held++
      }
      return name === 'write' || res
    }
  }
  Object.assign(res, { flushHeaders: later('flushHeaders'), write: later('write'), end: later('end') })

  await Promise.race([fault.cleared, new Promise<void>((resolve) => res.once('close', resolve))])
  if (complete) fault.held--
  released = true
  if (!res.closed) for (const act of answer) act()
}

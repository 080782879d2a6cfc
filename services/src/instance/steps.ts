import type { z } from 'zod'
import type { Step } from '../contract/index.ts'
import type { LogEntry } from '../db/saga-log.ts'

type StepReply = z.infer<typeof Step>

const UNDO_STATE = { started: 'started', done: 'undone', failed: 'undo_failed' } as const

/** The log as operators read it: one entry per step, its undoing in place of its doing. */
export function stepsOf(log: LogEntry[]): StepReply[] {
  const undone = new Map(log.filter((entry) => entry.direction === 'undo').map((entry) => [entry.step, entry]))
  const done = log.filter((entry) => entry.direction === 'do')
  const onlyUndone = [...undone.values()].filter(({ step }) => !done.some((entry) => entry.step === step))
  return [...done, ...onlyUndone].map((entry) => {
    const { step: name, direction, state, attempts, startedAt, endedAt, error } = undone.get(entry.step) ?? entry
    return {
      name,
      state: direction === 'undo' ? UNDO_STATE[state] : state,
      attempts,
      startedAt: startedAt.toISOString(),
      ms: endedAt ? endedAt.getTime() - startedAt.getTime() : null,
      error,
    }
  })
}

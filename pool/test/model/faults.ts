import type { Count } from './schedule.ts'

export const CALLS = ['create', 'destroy', 'statuses', 'changes', 'configure', 'cancel', 'reachable', 'image'] as const
export type CallName = (typeof CALLS)[number]

/**
 * What may go wrong with a call. `refused`: services says no, as one that is out of order; `rejected`: as one that finds the
 * claim at fault; `lost`: nothing was heard, before or after the effect; `hangs`: so late that its caller has given up, before,
 * after, or (a configuration) in the middle of the effect; `kills`: the caller dies before or after it. `silent`: an answer
 * that leaves out half of what was asked; `unknown`: one that says that nothing can be said; `reset`: a cursor that is too old.
 */
export const FAULTS = [
  'refused',
  'rejected',
  'lost before',
  'lost after',
  'hangs before',
  'hangs after',
  'hangs halfway',
  'kills before',
  'kills after',
  'silent',
  'unknown',
  'reset',
] as const
export type FaultKind = (typeof FAULTS)[number]

const ONLY: Partial<Record<FaultKind, readonly CallName[]>> = {
  rejected: ['configure'],
  'hangs halfway': ['configure'],
  silent: ['statuses'],
  unknown: ['statuses'],
  reset: ['changes'],
}
const NEVER: Partial<Record<CallName, readonly FaultKind[]>> = {
  // a long poll that hangs is what it is
  changes: ['hangs before', 'hangs after'],
  reachable: ['lost after', 'hangs after', 'kills after'],
  image: ['lost after', 'hangs after', 'kills after'],
}

/** Every fault there is, with the call that it strikes. */
export const FAULTS_OF_CALLS = CALLS.flatMap((call) =>
  FAULTS.filter((kind) => (ONLY[kind] ?? CALLS).includes(call) && !NEVER[call]?.includes(kind)).map((kind) => ({ call, kind })),
)

export type Faults = ReturnType<typeof createFaults>

/** The faults that are to strike the next calls of their kind, and the calls that hang because of one. */
export function createFaults(count: Count) {
  const armed: { call: CallName; kind: FaultKind }[] = []
  const hanging: (() => void)[] = []
  return {
    arm: (fault: { call: CallName; kind: FaultKind }) => void armed.push(fault),
    isArmed: (call: CallName) => armed.some((fault) => fault.call === call),
    /** The one that strikes this call, if any. */
    next(call: CallName): FaultKind | null {
      const at = armed.findIndex((fault) => fault.call === call)
      return at < 0 ? null : (armed.splice(at, 1)[0]?.kind ?? null)
    },
    struck: (call: CallName, kind: FaultKind) => count(`fault: ${call} ${kind}`),
    hangs: (letGo: () => void) => void hanging.push(letGo),
    /** Lets one hanging call go; false when there is none. */
    release(nth: number): boolean {
      const [letGo] = hanging.splice(nth % Math.max(1, hanging.length), 1)
      letGo?.()
      return letGo !== undefined
    },
    /** Nothing further goes wrong; what hangs is let go. */
    heal() {
      armed.length = 0
      for (const letGo of hanging.splice(0)) letGo()
    },
  }
}

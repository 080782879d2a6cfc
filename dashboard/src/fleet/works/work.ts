import type { Operation } from '@convos/pool/contract'
import type { ApiError } from '../../api/errors.ts'
import { type Merge, intoOperations } from '../../live/merge.ts'

/** One thing that was begun on this page: an operation, or one for each of many instances. */
export interface Work {
  /** How many instances it is about. */
  asked: number
  operations: Operation[]
  /** Those that pool would not begin. */
  refused: Refused[]
}

interface Refused {
  instanceId: string
  error: ApiError
}

export interface Progress {
  done: number
  failed: number
  total: number
  over: boolean
  /** What went wrong with instances that it was begun for. */
  errors: { instanceId: string; why: string }[]
  /** Why it was not begun for others, each reason once. */
  refusals: { ids: string[]; error: ApiError }[]
}

/** Operations of others are none of its business. */
export const intoWork: Merge<Work> = (work, news) => {
  const ours = news.filter((message) => message.event === 'operation' && work.operations.some(({ id }) => id === message.data.id))
  if (ours.length === 0) return work
  const next = intoOperations({ operations: work.operations }, ours)
  return typeof next === 'symbol' ? next : { ...work, operations: next.operations }
}

export function progressOf({ asked, operations, refused }: Work): Progress {
  const sum = (of: 'done' | 'failed' | 'total') => operations.reduce((all, operation) => all + operation[of], 0)
  const errors = operations.flatMap(({ items }) =>
    items.flatMap(({ instanceId, error }) => (error === null ? [] : { instanceId: instanceId ?? '', why: error })),
  )
  const total = Math.max(asked, sum('total') + refused.length)
  const begun = operations.reduce((all, { total: about }) => all + Math.max(1, about), refused.length)
  return {
    done: sum('done'),
    failed: sum('failed') + refused.length,
    total,
    over: begun >= asked && operations.every(({ state }) => state !== 'running'),
    errors,
    refusals: [...Map.groupBy(refused, ({ error: { code, detail } }) => `${code} ${detail}`).values()].flatMap((alike) =>
      alike[0] ? [{ ids: alike.map(({ instanceId }) => instanceId), error: alike[0].error }] : [],
    ),
  }
}

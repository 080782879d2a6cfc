import { Problem } from '@convos/kit'
import { z } from 'zod'
import { INSTANCE_SORTS, type InstancesQuery } from './contract/listing.ts'

/** Where a page ended: the last row's sort key as the database prints it (null: it has none), and its id. */
export interface Place {
  key: string | null
  id: string
}

/** It goes with one order only: in another one it would skip rows, or repeat them. */
const Cursor = z.tuple([
  z.enum(INSTANCE_SORTS),
  z.enum(['asc', 'desc']),
  z
    .string()
    .refine((key) => !key.includes('\0'))
    .nullable(),
  z.string().regex(/^[a-z0-9]{12}$/),
])

type Order = Pick<InstancesQuery, 'sort' | 'order'>

/** Opaque to clients. */
export const cursorOf = ({ sort, order }: Order, { key, id }: Place): string =>
  Buffer.from(JSON.stringify([sort, order, key, id])).toString('base64url')

/** @throws Problem 400 when it is none of ours, or of another order */
export function placeOf({ sort, order }: Order, cursor: string): Place {
  const parsed = Cursor.safeParse(decode(cursor))
  const [ofSort, ofOrder, key, id] = parsed.data ?? []
  if (id === undefined || key === undefined || ofSort !== sort || ofOrder !== order || !fits(sort, key)) {
    const errors = [{ path: 'cursor', message: 'is none that this list gave out' }]
    throw new Problem({ status: 400, code: 'INVALID_REQUEST', detail: 'the cursor does not belong to this list', errors })
  }
  return { key, id }
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return null
  }
}

/** A time is printed as ISO with microseconds, whatever the session; the database is asked for nothing else. */
const fits = (sort: Order['sort'], key: string | null): boolean =>
  key === null || !sort.endsWith('At') || /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(key)

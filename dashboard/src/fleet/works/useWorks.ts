import type { Operation } from '@convos/pool/contract'
import { queryOptions, type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { drainThese } from '../../api/instances.ts'
import { ApiError } from '../../api/errors.ts'
import { readOperation } from '../../api/pool.ts'
import { live } from '../../live/apply.ts'
import { ACT, type Act } from '../acts.ts'
import { intoWork, progressOf, type Work } from './work.ts'

/** So many requests of ours are under way at a time. */
const AT_ONCE = 4
/** One drain takes so many. */
const MOST_TO_DRAIN = 1000

export interface Begun {
  key: string
  label: string
}

/** Kept fresh by the stream; what still runs is asked for again when the stream was away. */
export const workQuery = (key: string) =>
  queryOptions({
    queryKey: ['work', key],
    queryFn: async ({ client, signal }): Promise<Work> => {
      const work = client.getQueryData<Work>(['work', key]) ?? { asked: 0, operations: [], refused: [] }
      const operations: Operation[] = []
      for (const one of work.operations) operations.push(one.state === 'running' ? await readOperation(one.id, signal) : one)
      return { ...(client.getQueryData<Work>(['work', key]) ?? work), operations }
    },
    gcTime: Infinity,
    ...live(intoWork),
  })

/** What was begun on this page, and how to begin more. */
export function useWorks() {
  const client = useQueryClient()
  const [begun, setBegun] = useState<Begun[]>([])
  const add = (label: string, work: Work): string => {
    const key = crypto.randomUUID()
    client.setQueryData(workQuery(key).queryKey, work)
    setBegun((others) => [...others, { key, label }])
    return key
  }
  return {
    begun,
    /** Begins an act on many; each that is refused says why, the others go on. */
    async begin(act: Act, ids: readonly string[], label: string): Promise<void> {
      const key = add(label, { asked: ids.length, operations: [], refused: [] })
      if (act === 'drain') await drainAll(client, key, ids)
      else await each(ids, (id) => attempt(client, key, [id], () => ACT[act].run(id)))
      settle(client, key)
    },
    clear(): void {
      setBegun((all) =>
        all.filter(({ key }) => {
          const work = client.getQueryData(workQuery(key).queryKey)
          return work !== undefined && !progressOf(work).over
        }),
      )
    },
  }
}

export type Works = ReturnType<typeof useWorks>

async function drainAll(client: QueryClient, key: string, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += MOST_TO_DRAIN) {
    const some = ids.slice(from, from + MOST_TO_DRAIN)
    await attempt(client, key, some, () => drainThese(some))
  }
}

async function attempt(client: QueryClient, key: string, ids: readonly string[], run: () => Promise<Operation>): Promise<void> {
  const { queryKey } = workQuery(key)
  try {
    // as a mutation, so that a session that has ended leads to the login
    const operation = await client.getMutationCache().build(client, { mutationFn: run }).execute(undefined)
    client.setQueryData(queryKey, (work) => work && { ...work, operations: [...work.operations, operation] })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const refused = ids.map((instanceId) => ({ instanceId, error }))
    client.setQueryData(queryKey, (work) => work && { ...work, refused: [...work.refused, ...refused] })
  }
}

async function each(ids: readonly string[], run: (id: string) => Promise<void>): Promise<void> {
  const left = [...ids]
  const worker = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) await run(id)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, worker))
}

/** News that came before an operation's own answer found nothing to go into: what still runs is read once. */
const settle = (client: QueryClient, key: string): void =>
  void client.fetchQuery({ ...workQuery(key), staleTime: 0 }).catch(() => {})

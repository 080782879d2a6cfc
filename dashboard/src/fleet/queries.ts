import type { InstanceWithEvents } from '@convos/pool/contract'
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { type Listing, readHistory, readInstance, readInstances, readLogs, readTool } from '../api/instances.ts'
import { live } from '../live/apply.ts'
import { intoActivity, intoInstance } from '../live/merge.ts'
import { intoPages } from './listing.ts'

/** The fleet, page by page as it is scrolled to. */
export const instancesQuery = (listing: Listing) =>
  infiniteQueryOptions({
    queryKey: ['instances', listing],
    queryFn: ({ pageParam, signal }) => readInstances(listing, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
    ...live(intoPages(listing)),
  })

/** One instance with its latest events. */
export const instanceQuery = (id: string) =>
  queryOptions({
    queryKey: ['instance', id],
    queryFn: ({ signal }) => readInstance(id, signal),
    ...live<z.infer<typeof InstanceWithEvents>>(intoInstance),
    // an answer from before may lack events that nobody was told of
    staleTime: 5_000,
  })

/** Logs are read when they are looked at, and when somebody asks. */
export const logsQuery = (id: string, limit: number) =>
  queryOptions({
    queryKey: ['instance', id, 'logs', limit],
    queryFn: ({ signal }) => readLogs(id, limit, signal),
    staleTime: 0,
    gcTime: 0,
  })

export const toolQuery = (id: string, toolId: string) =>
  queryOptions({
    queryKey: ['instance', id, 'tool', toolId],
    queryFn: ({ signal }) => readTool(id, toolId, signal),
  })

/** What is kept of an instance that is gone. */
export const historyQuery = (id: string) =>
  queryOptions({
    queryKey: ['activity', { instanceId: id }],
    queryFn: ({ signal }) => readHistory(id, signal),
    ...live(intoActivity(({ instanceId }) => instanceId === id)),
  })

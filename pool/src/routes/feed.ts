import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Endpoint, endpoint, Problem } from '@convos/kit'
import { z } from 'zod'
import { callerOf, identify, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { Activity, ActivityQuery, FeedMessage, InstanceEvent } from '../contract/index.ts'
import { type LogFilter, readExtent, readLatest, readLog } from '../db/feed.ts'
import { isKnown, parseCursor, type Position, toCursor } from '../feed/cursor.ts'
import type { Parts } from '../parts.ts'
import { presentEvent } from '../present.ts'

const BEGINNING: Position = { xid: 0n, id: 0n }

const LastEventId = z.string().optional().describe('the id of the last message that was seen; what came after it is told first')

/** What has happened, to be read or exported, and what happens, to be listened to. */
export function feedRoutes(ctx: Context, { feed }: Parts): Endpoint<'claimer' | 'operator'>[] {
  const { db, limits, log } = ctx

  /** @throws Problem 400 | 410 */
  async function placeOf(path: 'after' | 'before', cursor: string | undefined): Promise<Position | null> {
    if (cursor === undefined) return null
    const place = parseCursor(cursor)
    if (!place) throw invalid({ path, message: 'must be a cursor' })
    if (isKnown(place, await readExtent(db))) return place
    throw new Problem({ status: 410, code: 'CURSOR_UNKNOWN', detail: 'this log never came so far; begin again without a cursor' })
  }

  async function pageAfter(after: Position, filter: LogFilter, limit: number): Promise<Activity> {
    const { rows, at } = await readLog(db, { after, filter, limit: limit + 1 })
    const events = rows.slice(0, limit)
    const last = rows.length > limit ? events.at(-1) : undefined
    return { events: events.map(presentEvent), cursor: toCursor(last?.place ?? at), more: last !== undefined, earlier: null }
  }

  async function latestPage(before: Position | null, filter: LogFilter, limit: number): Promise<Activity> {
    const { rows, at } = await readLatest(db, { before, filter, limit: limit + 1 })
    const events = rows.slice(-limit)
    const first = rows.length > limit ? events[0] : undefined
    return { events: events.map(presentEvent), cursor: toCursor(at), more: false, earlier: first ? toCursor(first.place) : null }
  }

  /** Up to where the log ends when it is asked for, so that it has an end. */
  async function* lines(after: Position, filter: LogFilter, limit: number): AsyncGenerator<string> {
    const { horizon: upTo } = await readExtent(db)
    for (let [from, left] = [after, limit]; left > 0;) {
      const most = Math.min(limits.activityBatch, left)
      const { rows, at } = await readLog(db, { after: from, upTo, filter, limit: most })
      yield rows.map((row) => `${JSON.stringify(presentEvent(row))}\n`).join('')
      if (rows.length < most) return
      from = at
      left -= rows.length
    }
  }

  return [
    endpoint({
      method: 'get',
      path: '/api/pool/activity',
      operationId: 'listActivity',
      summary: 'What has happened: a page of it, or all that matches as a stream of lines',
      auth: 'operator',
      query: ActivityQuery,
      replies: { 200: Activity },
      streams: { 'application/x-ndjson': InstanceEvent },
      async handle({ query, req, res }) {
        const { type, limit, format } = query
        const { instanceId = null, claimId = null, actor = null, requestId = null, since = null, until = null } = query
        const types = type === undefined ? null : [type].flat()
        const filter = { types, instanceId, claimId, actor, requestId, since, until }
        if (query.before !== undefined && (query.after !== undefined || format === 'jsonl'))
          throw invalid({ path: 'before', message: 'goes with neither `after` nor `jsonl`' })
        const [after, before] = await Promise.all([placeOf('after', query.after), placeOf('before', query.before)])
        if (format === 'json') {
          const most = limit ?? limits.activityPage
          return { status: 200, body: await (after ? pageAfter(after, filter, most) : latestPage(before, filter, most)) }
        }
        res.type('application/x-ndjson')
        try {
          // as fast as it is read
          await pipeline(Readable.from(lines(after ?? BEGINNING, filter, limit ?? Infinity)), res)
        } catch (err) {
          // too late for another answer: that this one was cut off is all that can be seen
          if (!hasLeft(err)) log.error({ err, requestId: requestIdOf(req) }, 'an export was broken off')
        }
        return null
      },
    }),
    endpoint({
      method: 'get',
      path: '/api/pool/events',
      operationId: 'listen',
      summary: 'What happens, as server-sent events: everything for operators, their own claims for claimers',
      auth: 'claimer',
      headers: z.object({ 'Last-Event-ID': LastEventId }),
      query: z.object({ lastEventId: LastEventId }),
      replies: {},
      streams: { 'text/event-stream': FeedMessage },
      async handle({ headers, query, req, res }) {
        const { id, role } = callerOf(res)
        if (req.method === 'HEAD') {
          res.type('text/event-stream').end()
          return null
        }
        async function isWelcome(): Promise<boolean> {
          const now = await identify(ctx, req)
          return now?.id === id && now.role === role
        }
        // a browser that comes back by itself sends the header, beside the address it was given first
        const lastEventId = headers['Last-Event-ID'] ?? query.lastEventId ?? null
        await feed.listen({ res, viewer: { id, role }, lastEventId, isWelcome })
        return null
      },
    }),
  ]
}

const invalid = (error: { path: string; message: string }) =>
  new Problem({
    status: 400,
    code: 'INVALID_REQUEST',
    detail: 'the request does not have the expected shape',
    errors: [error],
  })

/** The client closed the connection before its answer was complete. */
const hasLeft = (err: unknown): boolean => (err as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE'

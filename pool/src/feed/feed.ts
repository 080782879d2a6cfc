import { Problem, startLoop } from '@convos/kit'
import type { Response } from 'express'
import type { Context } from '../context.ts'
import { readExtent, readLog } from '../db/feed.ts'
import { countByStatus, toCounts } from '../db/instances.ts'
import { presentBatch, type Viewer } from './batch.ts'
import { canResume, isAfter, later, parseCursor, type Position } from './cursor.ts'
import { openStream, type Stream } from './stream.ts'

export interface Listener {
  res: Response
  viewer: Viewer
  /** What the client says it was told last; null for a new one. */
  lastEventId: string | null
  /** Whether its key or session is still accepted. */
  isWelcome(): Promise<boolean>
}

export type Feed = ReturnType<typeof startFeed>

/**
 * Tells those who listen what happens. One look at the log serves all of this replica, every 500 ms and soon after a change of
 * its own; without listeners nothing is read. Whoever resumes is first told what it has missed, by itself, and joins the others
 * where they are.
 */
export function startFeed(ctx: Context) {
  const { clock, db, limits, log, signals } = ctx
  const open = new Set<Stream>()
  /** Those who have been told everything up to `position`, at least. */
  const live = new Set<Stream>()
  let position: Position = { xid: 0n, id: 0n }
  let stopping = false

  const loop = startLoop({
    name: 'feed',
    everyMs: limits.feedPollMs,
    clock,
    log,
    async pass(signal) {
      while (live.size > 0 && !signal.aborted) {
        const { rows, at } = await readLog(db, { after: position, limit: limits.feedBatch })
        const batch = await presentBatch(ctx, rows, at)
        for (const stream of live) stream.tell(batch)
        position = at
        if (rows.length < limits.feedBatch) return
      }
    },
  })

  let soon = false
  /** Many changes at once make one look. */
  async function lookSoon(): Promise<void> {
    if (soon || live.size === 0) return
    soon = true
    await clock.sleep(limits.feedSoonMs)
    soon = false
    loop.wake()
  }
  signals.on('changed', () => void lookSoon())

  /** Tells a stream what it has missed, as fast as it reads, until it stands where the others do. */
  async function catchUp(stream: Stream): Promise<void> {
    while (isAfter(position, stream.position) && !stream.over.aborted) {
      const { rows, at } = await readLog(db, { after: stream.position, upTo: position, limit: limits.feedBatch })
      stream.tell(await presentBatch(ctx, rows, at))
      await stream.drained()
    }
    if (stream.over.aborted) return
    live.add(stream)
    loop.wake()
  }

  /** Until its time is over or its caller is not welcome any more; a check that fails says nothing of the caller. */
  async function keepAlive(stream: Stream, isWelcome: () => Promise<boolean>): Promise<void> {
    const endsAt = clock.now().getTime() + limits.feedStreamMs
    const leftMs = () => endsAt - clock.now().getTime()
    while (leftMs() > 0) {
      await clock.sleep(Math.min(limits.feedHeartbeatMs, leftMs()), stream.over)
      if (stream.over.aborted) return
      const welcome = await isWelcome().catch((err: unknown) => {
        log.warn({ err }, 'a listener could not be checked; it is checked again')
        return true
      })
      if (!welcome) break
      stream.beat()
    }
    stream.end()
  }

  return {
    get listeners() {
      return open.size
    },

    /**
     * Takes a listener in and begins to tell it; the answer goes on until either side ends it.
     * @throws Problem 503 when this replica stops
     */
    async listen({ res, viewer, lastEventId, isWelcome }: Listener): Promise<void> {
      const extent = await readExtent(db)
      // read after the extent: what is not counted yet is told as it comes
      const counts = viewer.role === 'operator' ? toCounts(await countByStatus(db)) : null
      if (stopping)
        throw new Problem({ status: 503, code: 'SHUTTING_DOWN', detail: 'listen again', headers: { 'Retry-After': '1' } })
      // left already: nothing would ever end its stream
      if (res.closed) return
      // while nobody listened nothing was read, and none of it is news to who comes now
      if (live.size === 0) position = later(position, extent.horizon)
      const known = lastEventId === null ? null : parseCursor(lastEventId)
      const resumed = known && canResume(known, extent) ? known : null
      const stream = openStream(res, viewer, resumed ?? position, limits)
      open.add(stream)
      stream.over.addEventListener('abort', () => {
        open.delete(stream)
        live.delete(stream)
      })
      if (lastEventId !== null && !resumed) stream.send({ event: 'reset', data: {} })
      stream.beat()
      if (counts) stream.send({ event: 'counts', data: counts })
      void keepAlive(stream, isWelcome)
      catchUp(stream).catch((err: unknown) => {
        log.error({ err }, 'a listener could not be told what it missed; it is to come back')
        stream.end()
      })
    },

    /** Ends every stream at once. */
    async stop(): Promise<void> {
      stopping = true
      for (const stream of open) stream.end()
      await loop.stop()
    },
  }
}

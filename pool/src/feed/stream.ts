import { once } from 'node:events'
import type { Response } from 'express'
import type { FeedMessage } from '../contract/index.ts'
import type { Limits } from '../limits.ts'
import { type Batch, frameOf, render, type Viewer } from './batch.ts'
import { later, type Position, toCursor } from './cursor.ts'

/** One listener: what it has been told, and its connection. */
export interface Stream {
  readonly viewer: Viewer
  /** Up to where it has been told everything. */
  readonly position: Position
  /** Aborted when it is over, whoever ended it. */
  readonly over: AbortSignal
  /** Tells what is new to it. */
  tell(batch: Batch): void
  send(message: FeedMessage): void
  /** Shows that we live, and where to resume from. */
  beat(): void
  /** Resolves when what was written is on its way, or the stream is over. */
  drained(): Promise<void>
  /** Ends it on our side; its client is to come back. */
  end(): void
}

/** Begins the answer; what follows is written to it. */
export function openStream(res: Response, viewer: Viewer, from: Position, limits: Limits): Stream {
  const over = new AbortController()
  let position = from
  res.once('close', () => over.abort())
  res.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    // proxies that gather what they pass on are asked not to
    'X-Accel-Buffering': 'no',
  })

  function write(text: string): void {
    if (over.signal.aborted || text === '') return
    // what it does not read waits in our memory: it is cut off, and resumes where it was
    if (res.writableLength > limits.feedBufferBytes) return void res.destroy()
    res.write(text)
  }

  return {
    viewer,
    over: over.signal,
    get position() {
      return position
    },
    tell(batch) {
      write(render(batch, viewer, position))
      position = later(position, batch.at)
    },
    send: (message) => write(`${frameOf(message)}\n`),
    beat: () => write(`: \nid: ${toCursor(position)}\n\n`),
    async drained() {
      if (res.writableNeedDrain) await once(res, 'drain', { signal: over.signal }).catch(() => {})
    },
    end() {
      // not all at the same moment, when all are ended at once
      write(`retry: ${Math.round(limits.feedRetryMs * (0.5 + Math.random()))}\n\n`)
      over.abort()
      res.end()
    },
  }
}

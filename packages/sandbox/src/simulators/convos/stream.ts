import type { Request, Response } from 'express'
import type { Signal } from './model.ts'
import type { Network } from './network.ts'

/** Often enough that nothing on the way takes a quiet conversation for a dead connection. */
const KEEP_ALIVE_MS = 15_000

/**
 * Server-sent events: `hello` with the present position, then every log entry after `after`, each under its position as the
 * event id. A reader that reconnects with the last id it has seen misses nothing. In between, `signal` events tell what passes.
 * Ends when the conversation is gone.
 */
export function streamLog(req: Request, res: Response, p: { network: Network; id: string; after: number; closing: AbortSignal }) {
  const { network, id } = p
  const head = network.get(id).log.length
  // A position of the future is one of a past that the network has forgotten.
  let sent = Math.min(p.after, head)

  res.set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  res.write(`retry: 500\nevent: hello\ndata: ${JSON.stringify({ cursor: head })}\n\n`)

  const end = () => void res.end()
  const pump = () => {
    const conversation = network.find(id)
    if (!conversation) {
      end()
      return
    }
    for (const entry of conversation.log.slice(sent)) res.write(`id: ${entry.seq}\ndata: ${JSON.stringify(entry)}\n\n`)
    sent = conversation.log.length
  }
  const keepAlive = setInterval(() => res.write(': keep-alive\n\n'), KEEP_ALIVE_MS)

  const pass = (signal: Signal) => res.write(`event: signal\ndata: ${JSON.stringify(signal)}\n\n`)

  network.signals.on(id, pass)
  network.changes.on(id, pump)
  p.closing.addEventListener('abort', end)
  req.once('close', () => {
    clearInterval(keepAlive)
    network.signals.off(id, pass)
    network.changes.off(id, pump)
    p.closing.removeEventListener('abort', end)
  })
  pump()
}

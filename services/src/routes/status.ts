import { Router, type Request } from 'express'
import type { z } from 'zod'
import { changesSince } from '../changes.ts'
import type { Context } from '../context.ts'
import { ChangesQuery, type DetailStatusReply, type ShortStatusReply, StatusRequest } from '../contract/index.ts'
import { readStatus } from '../db/status.ts'
import { readTools } from '../db/tools.ts'
import { detailOf, shortStateOf, stateOf } from '../instance/status.ts'
import { STATUS_BATCH } from '../limits.ts'
import { probeDue } from '../probe.ts'

/** Where instances stand: from the database, after fresh probes of those that are due. */
export const statusRoutes = (ctx: Context, stopping: AbortSignal) =>
  Router()
    .post('/status/batch', async (req, res) => {
      const { instanceIds, detail } = StatusRequest.parse(req.body)
      const deadline = AbortSignal.timeout(STATUS_BATCH - 1_000)
      // what is not through by then is told as it is stored
      await Promise.race([probeDue(ctx, instanceIds, deadline), aborted(deadline)])
      const rows = new Map((await readStatus(ctx.db, instanceIds)).map((row) => [row.instanceId, row]))
      if (!detail) {
        const reply: z.infer<typeof ShortStatusReply> = Object.fromEntries(
          instanceIds.map((id) => [id, shortStateOf(stateOf(rows.get(id)))]),
        )
        res.json(reply)
        return
      }
      const tools = Map.groupBy(await readTools(ctx.db, instanceIds), (tool) => tool.instanceId)
      const reply: z.infer<typeof DetailStatusReply> = Object.fromEntries(
        instanceIds.map((id) => [id, detailOf(rows.get(id), tools.get(id) ?? [])]),
      )
      res.json(reply)
    })

    .get('/changes', async (req, res) => {
      const { after, waitMs } = ChangesQuery.parse(req.query)
      res.json(await changesSince(ctx, { after, waitMs }, AbortSignal.any([closed(req), stopping])))
    })

/** Aborts when the client leaves, so that nobody waits for it. */
function closed(req: Request): AbortSignal {
  const gone = new AbortController()
  req.res?.once('close', () => gone.abort())
  return gone.signal
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))

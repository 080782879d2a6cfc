import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { type TurnFailure, TurnRequest, type TurnReply } from '@convos/agent-server/link/turn'
import { AgentFailed } from './failed.ts'

export interface TurnRoute {
  token: string
  /** Rejects with `AgentFailed` when there will be no answer; any other way means that it may be asked again. */
  turn(request: TurnRequest): Promise<TurnReply>
}

/** `POST /convos/turn`, for who has the link's token. */
export function turnHandler({ token, turn }: TurnRoute) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    if (!isBearer(req.headers.authorization, token)) return answer(res, 401, { reason: 'not the link’s token' })
    if (req.method !== 'POST') return answer(res, 405, { reason: 'POST only' })
    const request = TurnRequest.safeParse(await json(req).catch(() => null))
    if (!request.success) return answer(res, 400, { reason: request.error.message })
    try {
      return answer(res, 200, await turn(request.data))
    } catch (err) {
      if (err instanceof AgentFailed) return answer(res, 502, { reason: err.message, status: err.status } satisfies TurnFailure)
      return answer(res, 503, { reason: String(err) })
    }
  }
}

function answer(res: ServerResponse, status: number, body: object): true {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  return true
}

const digest = (text: string) => createHash('sha256').update(text).digest()
const isBearer = (header: string | undefined, token: string) => timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))

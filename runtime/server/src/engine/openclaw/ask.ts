import { HttpError, requestJson } from '@convos/kit/server'
import { TURN_PATH, TurnFailure, TurnReply, type TurnRequest } from '../../link/turn.ts'

/** The agent ran and failed: asking again would not help. `status`: what the model's provider answered, where that is known. */
export class TurnFailed extends Error {
  override name = 'TurnFailed'
  readonly status: number | null
  constructor({ reason, status }: TurnFailure) {
    super(reason)
    this.status = status
  }
}

/**
 * Has the gateway deal with one message.
 * @throws TurnFailed
 * @throws HttpError when it is not known what became of it; the same turn may be asked again
 */
export async function askGateway(
  p: { port: number; token: string; turn: TurnRequest; timeoutMs: number },
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { data } = await requestJson(`http://127.0.0.1:${p.port}${TURN_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${p.token}` },
      json: p.turn,
      timeoutMs: p.timeoutMs,
      signal,
      reply: TurnReply,
    })
    return data.reply
  } catch (err) {
    const failure = err instanceof HttpError && err.status === 502 ? TurnFailure.safeParse(err.body).data : undefined
    throw failure ? new TurnFailed(failure) : err
  }
}

import { backoffMs, type Clock, Deadline, HttpError, requestJson } from '@convos/kit/server'
import { z } from 'zod'
import type { ModelSettings } from '../config.ts'
import type { Limits } from '../limits.ts'
import type { ChatMessage } from './prompt.ts'

const Completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().trim().min(1) }) })).min(1),
})
const REPLY_TOKENS = 1_500

/**
 * One chat completion: tried a second time after a throttle, a failure of the other side, or no answer, within one deadline.
 * @throws HttpError
 */
export async function complete(
  p: { settings: ModelSettings; model: string; messages: ChatMessage[]; clock: Clock; limits: Limits },
  signal: AbortSignal,
): Promise<string> {
  const { settings, limits, clock } = p
  const deadline = new Deadline(limits.modelMs, signal)
  const call = async () => {
    const { data } = await requestJson(`${settings.apiUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${settings.apiKey ?? ''}` },
      json: { model: openRouterName(p.model), messages: p.messages, max_tokens: REPLY_TOKENS },
      timeoutMs: deadline.leftMs,
      signal: deadline.signal,
      reply: Completion,
    })
    return data.choices[0]?.message.content ?? ''
  }
  try {
    return await call()
  } catch (err) {
    if (deadline.passed || !isPassing(err)) throw err
    const waitMs = err.retryAfterMs ?? backoffMs(1, 1_000, limits.modelRetryMaxMs)
    await clock.sleep(Math.min(waitMs, limits.modelRetryMaxMs, deadline.leftMs), deadline.signal)
    return await call()
  }
}

const isPassing = (err: unknown): err is HttpError =>
  err instanceof HttpError && (err.kind === 'network' || (err.status !== null && (err.status === 429 || err.status >= 500)))

/** The gateway's way to write a model, `openrouter/<vendor>/<model>`, as OpenRouter itself knows it. */
const openRouterName = (model: string) => model.replace(/^openrouter\/(?=[^/]+\/)/, '')

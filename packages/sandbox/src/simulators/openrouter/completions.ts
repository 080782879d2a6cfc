import { randomUUID } from 'node:crypto'
import { type Response, Router } from 'express'
import { z } from 'zod'
import { keyLimitExceeded } from './errors.ts'
import { charge, remaining } from './keys.ts'
import { modelList } from './models.ts'
import { ChatMessage, composeReply, textOf } from './reply.ts'
import type { KeyStore } from './store.ts'

/** Every request costs the same, so that a test can count requests by looking at a key's usage. */
const REQUEST_COST_USD = 0.001

const ChatRequest = z.object({
  model: z.string().min(1).default('openrouter/auto'),
  messages: z.array(ChatMessage).min(1),
  stream: z.boolean().nullish(),
})

interface Completion {
  head: { id: string; created: number; model: string }
  text: string
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number; cost: number }
}

/** Chat completions, answered offline, and the models that one may ask for. */
export function completionRoutes(store: KeyStore, now: () => Date): Router {
  const router = Router()

  router.post('/chat/completions', (req, res) => {
    const key = store.requireKey(req.get('authorization'))
    const { model, messages, stream } = ChatRequest.parse(req.body)
    if (remaining(key, now()) === 0) throw keyLimitExceeded(key.limitReset)
    store.put(charge(key, REQUEST_COST_USD, now()))
    store.addAccountUsage(REQUEST_COST_USD)

    const completion = complete(model, messages, now())
    if (stream) sendStream(res, completion)
    else res.json(wholeAnswer(completion))
  })

  router.get('/models', (req, res) => {
    store.requireKey(req.get('authorization'))
    res.json(modelList())
  })

  return router
}

function complete(model: string, messages: ChatMessage[], now: Date): Completion {
  const text = composeReply(messages)
  const prompt_tokens = messages.reduce((sum, message) => sum + tokens(textOf(message)), 0)
  const completion_tokens = tokens(text)
  return {
    head: { id: `gen-${randomUUID()}`, created: Math.floor(now.getTime() / 1000), model },
    text,
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, cost: REQUEST_COST_USD },
  }
}

/** The usual rule of thumb: four characters to a token. */
const tokens = (text: string) => Math.ceil(text.length / 4)

function wholeAnswer({ head, text, usage }: Completion) {
  const message = { role: 'assistant', content: text, refusal: null }
  return {
    ...head,
    object: 'chat.completion',
    system_fingerprint: null,
    choices: [{ index: 0, message, finish_reason: 'stop', logprobs: null }],
    usage,
  }
}

function sendStream(res: Response, { head, text, usage }: Completion) {
  const chunk = (delta: object, finish_reason: string | null = null) => ({ choices: [{ index: 0, delta, finish_reason }] })
  const chunks = [
    chunk({ role: 'assistant', content: '' }),
    ...inPieces(text).map((content) => chunk({ content })),
    chunk({}, 'stop'),
    { choices: [], usage },
  ]
  res.set({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  // The real service keeps the connection alive with such comments; a reader that takes every line for data fails here.
  res.write(': OPENROUTER PROCESSING\n\n')
  for (const part of chunks) res.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...part })}\n\n`)
  res.end('data: [DONE]\n\n')
}

/** A few words at a time, whitespace kept. */
const inPieces = (text: string) => text.match(/(?:\S+\s*){1,4}|\s+/g) ?? []

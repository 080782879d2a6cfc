import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const Content = z.union([z.string(), z.array(z.object({ text: z.string().catch('') })), z.null()])
const Asked = z.object({ messages: z.array(z.object({ role: z.string(), content: Content.optional() })) })
type Message = z.infer<typeof Asked>['messages'][number]

const INTERNAL_CONTEXT = '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>'
const textOf = ({ content }: Message) => (Array.isArray(content) ? content.map((part) => part.text).join('') : (content ?? ''))

type Delta = { content: string } | { tool_calls: object[] }

/** What to do about a message like `RUN: <command>` or `SAY: <words>`; null for any other. */
function obey(messages: Message[]): Delta | null {
  const asked = messages.findLastIndex((message) => message.role === 'user' && !textOf(message).startsWith(INTERNAL_CONTEXT))
  const [, verb, what] = /\b(RUN|SAY): (.+)$/m.exec(messages[asked] ? textOf(messages[asked]) : '') ?? []
  if (verb === 'SAY') return { content: what ?? '' }
  if (verb !== 'RUN') return null
  const result = messages.slice(asked).find(({ role }) => role === 'tool')
  if (result) return { content: `It said: ${textOf(result)}` }
  const called = { name: 'exec', arguments: JSON.stringify({ command: what }) }
  return { tool_calls: [{ index: 0, id: `call_${messages.length}`, type: 'function', function: called }] }
}

/**
 * The sandbox's model at `upstream`, but obedient: told `RUN: <command>` it has the command run and says what came of it, told `SAY: <words>` it says
 * just that.
 */
export async function startModel(upstream: string) {
  let held: PromiseWithResolvers<void> | null = null
  let waiting = 0
  const server = createServer((req, res) => {
    void (async () => {
      const body = await text(req)
      waiting++
      await held?.promise
      waiting--
      const asked = Asked.safeParse(body ? JSON.parse(body) : null).data
      const delta = asked ? obey(asked.messages) : null
      if (delta) {
        const chunk = (part: object, finish_reason: string | null = null) =>
          `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: part, finish_reason }] })}\n\n`
        res.setHeader('content-type', 'text/event-stream')
        res.end(
          [
            chunk({ role: 'assistant', content: '' }),
            chunk(delta),
            chunk({}, 'content' in delta ? 'stop' : 'tool_calls'),
            'data: [DONE]\n\n',
          ].join(''),
        )
        return
      }
      const { authorization = '', 'content-type': type = 'application/json' } = req.headers
      const headers = { authorization, 'content-type': type }
      const answer = await fetch(upstream + (req.url ?? ''), { method: req.method ?? 'GET', headers, ...(body && { body }) })
      res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? type })
      res.end(await answer.text())
    })().catch((err: unknown) => res.destroy(err instanceof Error ? err : undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Answers nothing until released. */
    hold() {
      const holding = Promise.withResolvers<void>()
      held = holding
      return () => {
        held = null
        holding.resolve()
      }
    },
    /** Somebody waits for an answer that is held back. */
    isAsked: () => waiting > 0,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

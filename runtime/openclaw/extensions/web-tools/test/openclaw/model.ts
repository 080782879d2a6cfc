import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { z } from 'zod'

const Content = z.union([z.string(), z.array(z.object({ text: z.string().catch('') })), z.null()])
const Asked = z.object({ messages: z.array(z.object({ role: z.string(), content: Content.optional() })) })
type Message = z.infer<typeof Asked>['messages'][number]

const textOf = ({ content }: Message) => (Array.isArray(content) ? content.map(({ text }) => text).join('') : (content ?? ''))

/** A model that runs each command it is given as `RUN: <command>`, once, and says what came of it: what an agent does, without a mind. */
export const obedientModel = () =>
  createServer((req, res) => {
    void (async () => {
      const { messages } = Asked.parse(await json(req))
      const asked = messages.findLastIndex((message) => message.role === 'user' && /RUN: .+$/m.test(textOf(message)))
      const result = messages.slice(asked + 1).find(({ role }) => role === 'tool')
      const command = /RUN: (.+)$/m.exec(messages[asked] ? textOf(messages[asked]) : '')?.[1]
      const call = {
        index: 0,
        id: `call_${messages.length}`,
        type: 'function',
        function: { name: 'exec', arguments: JSON.stringify({ command }) },
      }
      res.setHeader('content-type', 'text/event-stream')
      const chunk = (delta: object, finish_reason: string | null = null) =>
        void res.write(
          `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
        )
      chunk({ role: 'assistant', content: '' })
      if (result || command === undefined) chunk({ content: `It said: ${result ? textOf(result) : 'nothing'}` })
      else chunk({ tool_calls: [call] })
      chunk({}, result || command === undefined ? 'stop' : 'tool_calls')
      res.end('data: [DONE]\n\n')
    })()
  })

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const Ask = z.object({ model: z.string(), messages: z.array(z.object({ role: z.string(), content: z.string() })) })

/** A model provider of a test: it answers `re: <the last message>`, and keeps what it was asked. */
export class FakeModel {
  readonly asked: z.infer<typeof Ask>[] = []
  readonly keys: string[] = []
  /** Statuses to answer first, before it works. */
  failures: number[] = []
  #held: PromiseWithResolvers<void> | null = null
  readonly #server: Server

  private constructor() {
    this.#server = createServer((req, res) => {
      void (async () => {
        const ask = Ask.parse(JSON.parse(await text(req)))
        this.asked.push(ask)
        this.keys.push(req.headers.authorization ?? '')
        await this.#held?.promise
        const failure = this.failures.shift()
        res.setHeader('content-type', 'application/json')
        const last = ask.messages.at(-1)?.content ?? ''
        if (failure !== undefined)
          return res.writeHead(failure, { 'retry-after': '0' }).end(JSON.stringify({ error: { message: `refused: ${last}` } }))
        const content = `re: ${last}`
        return res.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }))
      })()
    })
  }

  static async start(): Promise<FakeModel> {
    const model = new FakeModel()
    await new Promise<void>((resolve) => model.#server.listen(0, '127.0.0.1', resolve))
    return model
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  /** Answers nothing until released. */
  hold(): () => void {
    const held = Promise.withResolvers<void>()
    this.#held = held
    return () => {
      this.#held = null
      held.resolve()
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

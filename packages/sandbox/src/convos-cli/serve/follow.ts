import { LogEntry, Signal } from '../../simulators/convos/model.ts'
import { Hello } from '../../simulators/convos/views.ts'
import { request, Unreachable } from '../client.ts'

/** Opens the log once and yields its entries in order, and in between the signals that pass; fails with `Unreachable` when the stream breaks, returns when `ending`. */
export async function* follow(
  url: string,
  p: { ending: AbortSignal; opened: (cursor: number) => void },
): AsyncGenerator<LogEntry | Signal> {
  try {
    const response = await request(url, { signal: p.ending, headers: { accept: 'text/event-stream' } })
    for await (const { event, data } of serverSentEvents(response)) {
      if (event === 'hello') {
        p.opened(Hello.parse(JSON.parse(data)).cursor)
      } else if (event === 'signal') {
        yield Signal.parse(JSON.parse(data))
      } else {
        yield LogEntry.parse(JSON.parse(data))
      }
    }
  } catch (error) {
    if (!p.ending.aborted) throw error
  }
  if (!p.ending.aborted) throw new Unreachable('the connection to the Convos network was closed')
}

async function* serverSentEvents({ body }: Response): AsyncGenerator<{ event: string; data: string }> {
  let pending = ''
  for await (const text of decoded(body)) {
    const blocks = (pending + text).split('\n\n')
    pending = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => splitField(line)))
      const data = fields.get('data')
      if (data !== undefined) yield { event: fields.get('event') ?? 'message', data }
    }
  }
}

/** `name: value`; a comment has an empty name. */
function splitField(line: string): [name: string, value: string] {
  const [name = '', ...rest] = line.split(': ')
  return [name, rest.join(': ')]
}

async function* decoded(body: Response['body']): AsyncGenerator<string> {
  try {
    yield* body?.pipeThrough(new TextDecoderStream()) ?? []
  } catch (cause) {
    throw new Unreachable('the connection to the Convos network broke', { cause })
  }
}

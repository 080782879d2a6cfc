import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listen } from '../src/live/listen.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A stream whose text the test writes; it breaks when its request is aborted, as a browser's does. */
function stubStream() {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  vi.stubGlobal('fetch', (_url: string, { signal }: RequestInit) => {
    const body = new ReadableStream<Uint8Array>({ start: (one) => void (controller = one) })
    signal?.addEventListener('abort', () => controller.error(signal.reason))
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
  })
  return { write: (text: string) => controller.enqueue(new TextEncoder().encode(text)), close: () => controller.close() }
}
const following = (onHeard = vi.fn<() => void>()) =>
  listen({ after: null, signal: new AbortController().signal, onOpen: () => {}, onHeard })

test('heartbeats keep a stream alive; forty-five seconds of silence are its end', async () => {
  const stream = stubStream()
  let lost = false
  const over = following().catch((error: unknown) => {
    lost = true
    return error
  })
  for (let n = 0; n < 5; n++) {
    await vi.advanceTimersByTimeAsync(40_000)
    stream.write(': \nid: 1-1\n\n')
  }
  await vi.advanceTimersByTimeAsync(44_000)
  expect(lost).toBe(false)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await over).toMatchObject({ code: 'UNREACHABLE' })
})

test('a stream that ends with a word about coming back gives it; one that is cut off has none', async () => {
  const first = stubStream()
  const ended = following()
  await vi.advanceTimersByTimeAsync(1)
  first.write('retry: 700\n\n')
  first.close()
  expect(await ended).toBe(700)

  const second = stubStream()
  const cut = following()
  await vi.advanceTimersByTimeAsync(1)
  second.close()
  expect(await cut).toBeNull()
})

test('messages that are not known, or not of this shape, are passed over', async () => {
  const stream = stubStream()
  const onHeard = vi.fn<() => void>()
  const over = following(onHeard)
  await vi.advanceTimersByTimeAsync(1)
  stream.write(
    'event: weather\ndata: {"sun":true}\nid: 1-2\n\nevent: counts\ndata: {"idle":"many"}\n\nevent: reset\ndata: {}\n\n',
  )
  await vi.advanceTimersByTimeAsync(1)
  stream.close()
  await over
  expect(onHeard).toHaveBeenCalledWith([{ event: 'reset', data: {} }], '1-2')
})

test('a page in place of a stream is told as what it is', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>', { headers: { 'content-type': 'text/html' } })))
  await expect(following()).rejects.toMatchObject({ code: 'FOREIGN_ANSWER' })
})

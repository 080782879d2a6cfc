import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs, createLogger, Deadline, fakeClock, startLoop } from '../src/index.ts'

const log = createLogger('test', 'silent')

describe('a loop', () => {
  const start = (pass: (now: Date) => Promise<void>) => {
    const clock = fakeClock('2030-01-01T00:00:00Z')
    return { clock, loop: startLoop({ name: 'test', everyMs: 30_000, clock, log, pass: () => pass(clock.now()) }) }
  }

  test('makes a pass at once and then one per interval', async () => {
    const passes: string[] = []
    const { clock, loop } = start(async (now) => void passes.push(now.toISOString().slice(14, 19)))
    await clock.advance(29_999)
    await clock.advance(1)
    expect(passes).toEqual(['00:00', '00:30'])
    await loop.stop()
  })

  test('never runs two passes at once; wakes during a pass make exactly one more', async () => {
    let running = 0
    let most = 0
    let passes = 0
    const gate = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { clock, loop } = start(async () => {
      most = Math.max(most, ++running)
      await gate[passes++]?.promise
      running--
    })
    for (let i = 0; i < 5; i++) loop.wake()
    gate[0]?.resolve()
    await clock.advance(0)
    expect(passes).toBe(2)
    gate[1]?.resolve()
    await clock.advance(0)
    expect({ passes, most }).toEqual({ passes: 2, most: 1 })
    await loop.stop()
  })

  test('goes on after a pass that throws, and stops at once while it sleeps', async () => {
    let passes = 0
    const { clock, loop } = start(async () => {
      passes++
      throw new Error('a bad day')
    })
    await clock.advance(30_000)
    expect(passes).toBe(2)
    await loop.stop()
    await clock.advance(60_000)
    expect(passes).toBe(2)
  })
})

test('an inner deadline never outlives the outer one, and keeps its reserve', () => {
  const outer = new Deadline(10_000)
  expect(outer.within(60_000).leftMs).toBeLessThanOrEqual(10_000)
  expect(outer.within(60_000, 2000).leftMs).toBeLessThanOrEqual(8000)
  expect(outer.within(500).leftMs).toBeLessThanOrEqual(500)
  expect(new Deadline(0).passed).toBe(true)
})

test('aborting the outer signal ends the deadline', () => {
  const outer = new AbortController()
  const deadline = new Deadline(10_000, outer.signal)
  const inner = deadline.within(5000)
  outer.abort()
  expect([deadline.passed, inner.passed]).toEqual([true, true])
})

test('backoff grows, never exceeds its cap and never falls below half of its ceiling', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const ms = backoffMs(attempt, 1000, 60_000, () => random)
      const ceiling = Math.min(60_000, 1000 * 2 ** (attempt - 1))
      expect(ms).toBeGreaterThanOrEqual(Math.floor(ceiling / 2))
      expect(ms).toBeLessThanOrEqual(ceiling)
    }),
  )
})

test('secrets are struck from log lines at every depth we log at', () => {
  let lines = ''
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines += chunk.toString()
      done()
    },
  })
  const logger = createLogger('test', 'info', out)
  logger.info(
    {
      gatewayToken: 's3cret',
      a: { privateKey: 's3cret', b: { env: { KEY: 's3cret' } } },
      req: { headers: { authorization: 's3cret' } },
    },
    'hello',
  )
  expect(lines).toContain('hello')
  expect(lines).not.toContain('s3cret')
})

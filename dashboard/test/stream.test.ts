import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockReader } from '../src/live/sse.ts'
import { AT_FIRST, isToldByBanner, lost } from '../src/live/state.ts'
import { keyReader } from '../src/frame/shortcuts.ts'
import { parseSearch, stringifySearch } from '../src/url.ts'

const STREAM = 'event: counts\ndata: {"idle":1}\nid: 1-2\n\n: \nid: 1-3\n\nretry: 900\n\n'

describe('a stream', () => {
  test('is read alike, however it is cut into pieces', () =>
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
        const read = blockReader()
        const at = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length]
        const pieces = at.slice(1).map((end, n) => STREAM.slice(at[n], end))
        expect(pieces.flatMap((piece) => read(piece))).toEqual([
          { event: 'counts', data: '{"idle":1}', id: '1-2', retry: null },
          { event: null, data: null, id: '1-3', retry: null },
          { event: null, data: null, id: null, retry: 900 },
        ])
      }),
    ))

  test('that is lost is asked for again, ever more slowly, and called offline when that does not help', () => {
    const first = lost({ is: 'live' }, { now: 1000, chance: 1 })
    expect(first).toEqual({ is: 'reconnecting', since: 1000, attempts: 1, retryAt: 2000 })
    const second = lost(first, { now: 5000, chance: 1 })
    expect(second).toEqual({ is: 'offline', since: 1000, attempts: 2, retryAt: 7000 })
    expect(lost(AT_FIRST, { now: 1000, chance: 1 })).toMatchObject({ since: null })
  })

  test('is asked for again within fifteen seconds, whatever happened', () =>
    fc.assert(
      fc.property(fc.nat(50), fc.double({ min: 0, max: 1, noNaN: true }), (times, chance) => {
        let state = lost({ is: 'live' }, { now: 0, chance })
        for (let n = 0; n < times; n++) state = lost(state, { now: 0, chance })
        if (!('retryAt' in state)) throw new Error('it is lost')
        expect(state.retryAt).toBeGreaterThanOrEqual(500)
        expect(state.retryAt).toBeLessThanOrEqual(15_000)
      }),
    ))
})

test('that nothing is reached is said by the banner alone, as long as there is something to look at', () => {
  const reconnecting = lost({ is: 'live' }, { now: 0, chance: 0 })
  const offline = lost(reconnecting, { now: 1, chance: 0 })
  const unreachable = { code: 'UNREACHABLE' }
  expect(isToldByBanner(offline, unreachable, true)).toBe(true)
  expect(isToldByBanner(offline, unreachable, false)).toBe(false)
  expect(isToldByBanner(offline, { code: 'INTERNAL' }, true)).toBe(false)
  expect(isToldByBanner(reconnecting, unreachable, true)).toBe(false)
  expect(isToldByBanner({ is: 'live' }, unreachable, true)).toBe(false)
})

test('what is put into an address comes back from it', () =>
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 })), (search) => {
      const { ['__proto__']: _, ...plain } = search
      expect(parseSearch(stringifySearch(plain))).toEqual(plain)
    }),
  ))

test('keys: the palette anywhere, the rest only where nobody is typing', () => {
  const read = keyReader()
  const press = (key: string, more = {}) =>
    read({ key, metaKey: false, ctrlKey: false, altKey: false, target: document.body, ...more })
  const field = document.createElement('input')
  expect(press('k', { metaKey: true, target: field })).toBe('palette')
  expect(press('?', { target: field })).toBeNull()
  expect(press('?')).toBe('help')
  expect(press('g')).toBeNull()
  expect(press('p')).toEqual({ goTo: 'p' })
  expect(press('p')).toBeNull()
})

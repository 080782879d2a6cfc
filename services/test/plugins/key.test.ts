import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyIn, keyWith } from '../../src/plugins/key.ts'

const part = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/)
const keys = fc
  .tuple(part, part, part, fc.option(fc.integer({ min: 2, max: 99 }), { nil: null }))
  .map(([deployment, environment, id, generation]) =>
    ['convos', deployment, environment, id, generation].filter((each) => each !== null).join(':'),
  )

test('a key comes back as it was given, whatever stands between its parts', () =>
  fc.assert(
    fc.property(keys, fc.constantFrom(':', '.', '~'), (key, separator) => {
      const there = keyWith(separator, key)
      if (separator !== ':') expect(there).not.toContain(':')
      expect(keyIn(there, separator)).toBe(key)
    }),
  ))

test.each([null, undefined, '', 'convos', 'convos:a:b', 'convos:a::b', 'convoss:a:b:c', 'my convos:a:b:c', 'convos.a.b.c'])(
  '%j is none of ours',
  (text) => {
    expect(keyIn(text)).toBeNull()
  },
)

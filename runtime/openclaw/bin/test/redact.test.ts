import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Redactor, redact } from '../src/redact.ts'

const longestFirst = (secrets: string[]) => [...new Set(secrets)].toSorted((a, b) => b.length - a.length)

describe('values taken out of a text', () => {
  test('leave the rest as it is', () => {
    expect(redact('key=abcdefgh, again abcdefgh.', ['abcdefgh'])).toBe('key=[hidden], again [hidden].')
    expect(redact('nothing to hide', [])).toBe('nothing to hide')
    expect(redact('a+b is no pattern: aab', ['a+b'])).toBe('[hidden] is no pattern: aab')
  })

  test('are the longest where one begins with another', () => {
    expect(redact('abcd', ['abcd', 'ab'])).toBe('[hidden]')
  })

  test('are gone however the text is cut into pieces', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 })
    const secrets = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 5 }), {
      minLength: 1,
      maxLength: 3,
    })
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), secrets.map(longestFirst), (pieces, hidden) => {
        const redactor = new Redactor(hidden)
        const out = pieces.map((piece) => redactor.push(piece)).join('') + redactor.end()
        expect(out).toBe(redact(pieces.join(''), hidden))
        for (const part of out.split('[hidden]')) for (const secret of hidden) expect(part).not.toContain(secret)
      }),
    )
  })

  test('come as soon as they can', () => {
    const redactor = new Redactor(['12345678'])
    expect(redactor.push('hello, world 1234')).toBe('hello, wor')
    expect(redactor.push('5678 and on')).toBe('ld [hidden]')
  })
})

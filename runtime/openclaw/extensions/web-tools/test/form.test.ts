import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check, type Field, FormRequest } from '../src/forms/form.ts'

const field = (over: Partial<Field> = {}): Field => ({ name: 'q', label: 'Q?', type: 'text', required: true, ...over })
const answer = (over: Partial<Field>, value: string) => check([field(over)], { q: value })

describe('an answer', () => {
  test.each<[Partial<Field>, string, string]>([
    [{}, '  Oslo ', 'Oslo'],
    [{}, 'a\0b\u001bc', 'abc'],
    [{ type: 'long_text' }, 'one\r\ntwo\rthree', 'one\ntwo\nthree'],
    [{ type: 'number' }, '3,5', '3,5'],
    [{ type: 'date' }, '2026-03-01', '2026-03-01'],
    [{ type: 'email' }, 'a@b.example', 'a@b.example'],
    [{ type: 'yes_no' }, 'no', 'no'],
    [{ type: 'choice', options: ['tea', 'coffee'] }, 'tea', 'tea'],
  ])('to %j is taken: %j', (over, value, kept) => {
    expect(answer(over, value)).toEqual({ ok: true, answers: { q: kept } })
  })

  test.each<[Partial<Field>, string, RegExp]>([
    [{}, '   ', /fill this in/],
    [{}, 'x'.repeat(501), /At most 500/],
    [{ type: 'long_text' }, 'x'.repeat(5_001), /At most 5000/],
    [{ type: 'number' }, 'many', /a number/],
    [{ type: 'date' }, '2026-02-30', /a date/],
    [{ type: 'email' }, 'nobody', /e-mail/],
    [{ type: 'yes_no' }, 'perhaps', /choose one/],
    [{ type: 'choice', options: ['tea', 'coffee'] }, 'beer', /choose one/],
  ])('to %j is refused: %s', (over, value, message) => {
    expect(answer(over, value)).toEqual({ ok: false, errors: { q: expect.stringMatching(message) } })
  })

  test('may be left out where it is optional, and what was not asked for is ignored', () => {
    const fields = [field({ required: false, type: 'email' }), field({ name: 'r' })]
    expect(check(fields, { q: '', r: 'yes', s: 'more' })).toEqual({ ok: true, answers: { r: 'yes' } })
    expect(check(fields, {})).toMatchObject({ ok: false, errors: { r: 'Please fill this in.' } })
  })

  test('of any kind is taken or refused, and never more than its field', () => {
    const types = fc.constantFrom<Field['type']>('text', 'long_text', 'choice', 'yes_no', 'number', 'date', 'email')
    fc.assert(
      fc.property(types, fc.string({ unit: 'binary' }), fc.dictionary(fc.string(), fc.string()), (type, value, more) => {
        const checked = check([field({ type, ...(type === 'choice' && { options: ['a', 'b'] }) })], { ...more, q: value })
        expect(Object.keys(checked.ok ? checked.answers : checked.errors)).toEqual(['q'])
      }),
    )
  })
})

describe('what an agent may ask', () => {
  const fields = (...given: object[]) => FormRequest.safeParse({ title: 'Trip', fields: given }).success
  test('is one to twenty things, each with a name of its own', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `q${i}`, label: 'Q' }))
    expect([0, 1, 20, 21].map((count) => fields(...many(count)))).toEqual([false, true, true, false])
    expect(fields({ name: 'q', label: 'Q' }, { name: 'q', label: 'R' })).toBe(false)
  })
  test.each(['Q', '1q', 'q"', 'constructor', ''])('has plain names, unlike %j', (name) => {
    expect(fields({ name, label: 'Q' })).toBe(false)
  })
  test('offers options where there is a choice, and only there', () => {
    expect(fields({ name: 'q', label: 'Q', type: 'choice' })).toBe(false)
    expect(fields({ name: 'q', label: 'Q', options: ['a', 'b'] })).toBe(false)
    expect(fields({ name: 'q', label: 'Q', type: 'choice', options: ['a', 'b'] })).toBe(true)
  })
})

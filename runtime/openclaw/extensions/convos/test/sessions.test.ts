import fc from 'fast-check'
import { expect, test } from 'vitest'
import { beginTurn, failureOf, modelOverride, noteEnd, statusOf } from '../src/sessions.ts'

test('the claim’s model counts for its session, and no other', () => {
  beginTurn('s1', { provider: 'openrouter', name: 'acme/large' })
  expect(modelOverride('s1')).toEqual({ providerOverride: 'openrouter', modelOverride: 'acme/large' })
  beginTurn('s1', null)
  expect(modelOverride('s1')).toBeUndefined()
  expect(modelOverride('another')).toBeUndefined()
  expect(modelOverride(undefined)).toBeUndefined()
})

test('a run’s end tells what it failed of, until the next turn', () => {
  beginTurn('s2', null)
  noteEnd('s2', { success: true, messages: [{ errorMessage: '402 no credit' }] })
  expect(failureOf('s2')).toBe('402 no credit')
  noteEnd('s2', { success: false, error: 'it broke', messages: [] })
  expect(failureOf('s2')).toBe('it broke')
  beginTurn('s2', null)
  expect(failureOf('s2')).toBeNull()
})

test.each([
  ['402 refused', 402],
  ['HTTP 429: slow down', 429],
  ['openrouter returned a billing error', 402],
  ['Rate limit reached', 429],
  ['503 upstream', 503],
  ['it took 40200 ms', null],
  [null, null],
])('the status in %j is %j', (words, status) => {
  expect(statusOf(words)).toBe(status)
})

test('no end of a run makes it throw', () => {
  fc.assert(
    fc.property(fc.anything(), fc.string(), (event, words) => {
      beginTurn('s3', null)
      noteEnd('s3', event)
      statusOf(words)
    }),
  )
})

import { expect, test } from 'vitest'
import { fieldText, limitIn, limitsOf, limitText, readField } from '../src/settings/limits.ts'
import { settings } from './support/supply.ts'

test('the limits of a key are said in a few words', () => {
  expect(limitsOf({ claimsPerMinute: null, claimsPerDay: null })).toBe('no limit')
  expect(limitsOf({ claimsPerMinute: 60, claimsPerDay: 1000 })).toBe('60 a minute, 1,000 a day')
})

test('a limit of a key is a whole number, or none', () => {
  expect(['', ' ', '1', '1000000'].map(limitIn)).toEqual([null, null, 1, 1_000_000])
  expect(['0', '-1', '1.5', 'many', '1000001'].map(limitIn)).toEqual(Array(5).fill(undefined))
})

test('settings are told in units that people use', () => {
  const some = settings({ maxTotal: 200, stuckTimeoutMs: 900_000, pendingTimeoutMs: 86_400_000 })
  expect(limitText('maxTotal', some)).toBe('200 instances')
  expect(limitText('maxAgeHours', some)).toBe('any age')
  expect(limitText('stuckTimeoutMs', some)).toBe('15 minutes')
  expect(limitText('pendingTimeoutMs', some)).toBe('1 day')
  expect(limitText('pendingTimeoutMs', settings({ pendingTimeoutMs: 90_000 }))).toBe('1.5 minutes')
  expect([fieldText('maxAgeHours', some), fieldText('stuckTimeoutMs', some)]).toEqual(['', '15'])
})

test('what is typed is taken as the API takes it, or refused in words', () => {
  expect(readField('maxTotal', '')).toEqual({ value: null })
  expect(readField('maxTotal', '50')).toEqual({ value: 50 })
  expect(readField('pendingTimeoutMs', '1.5')).toEqual({ value: 90_000 })
  expect(readField('stuckTimeoutMs', '')).toEqual({ wrong: 'It needs a number.' })
  expect(readField('maxTotal', '1.5')).toEqual({ wrong: 'It has to be a whole number.' })
  expect(readField('maxTotal', '0')).toEqual({ wrong: 'It has to be between 1 and 100,000 instances.' })
  expect(readField('stuckTimeoutMs', '0.5')).toEqual({ wrong: 'It has to be between 1 and 1,440 minutes.' })
  expect(readField('maxAgeHours', 'x')).toEqual({ wrong: 'It has to be a whole number.' })
})

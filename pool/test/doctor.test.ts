import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { judgeConfig } from '../src/doctor/index.ts'
import { judgeImages, judgeSettings } from '../src/doctor/supply.ts'
import { imageOf } from './fake-services.ts'

const now = new Date('2030-01-01T12:00:00Z')
const later = new Date('2030-01-01T12:05:00Z')
const fine = { trusted_at: now, last_ready_at: now, failures: 0, failed_at: null, openings: 0, opened_at: null, retry_at: null }
const failed = { ...fine, trusted_at: null, last_ready_at: null, failures: 3, failed_at: now, openings: 1, opened_at: now }
const [old, wanted] = [imageOf(1), imageOf(2)]

describe('the images', () => {
  test.each([
    ['nothing is wanted yet', null, [], ['warning', 'IMAGE_UNKNOWN']],
    ['a tag is wanted', 'registry.test/runtime:dev', [], ['fault', 'IMAGE_NOT_PINNED']],
    ['the wanted one is trusted', wanted, [{ image: wanted, ...fine }], ['ok', 'IMAGE']],
    ['the wanted one was never ready', wanted, [], ['warning', 'IMAGE_UNTRUSTED']],
    [
      'the wanted one is bad, another is trusted',
      wanted,
      [
        { image: wanted, ...failed, retry_at: later },
        { image: old, ...fine },
      ],
      ['warning', 'IMAGE_BAD'],
    ],
    [
      'the wanted one is bad, and no other is trusted',
      wanted,
      [{ image: wanted, ...failed, retry_at: now }],
      ['fault', 'IMAGE_BAD'],
    ],
    [
      'the trusted one has become bad, and there is no other',
      wanted,
      [{ image: wanted, ...failed, trusted_at: now, retry_at: later }],
      ['fault', 'IMAGE_BAD'],
    ],
  ])('%s', (_what, tag, images, [level, code]) => {
    expect(judgeImages({ wanted: tag, images, now })).toMatchObject([{ level, code }])
  })
})

test.each([
  [{ paused: false, minIdle: 3, maxTotal: null }, []],
  [{ paused: true, minIdle: 3, maxTotal: 3 }, ['PAUSED']],
  [{ paused: false, minIdle: 0, maxTotal: null }, ['NO_TARGET']],
  [{ paused: false, minIdle: 3, maxTotal: 2 }, ['CAP_BELOW_TARGET']],
])('the settings %o', (settings, codes) => {
  expect(judgeSettings(settings).map(({ code }) => code)).toEqual(codes)
})

test('variables that are allowed, and may not be meant, outside dev only', () => {
  const env = {
    DATABASE_URL: 'postgres://localhost/pool',
    POOL_API_KEY: 'a-key-of-16-chars',
    POOL_SECRET: 'secret-of-16-chars',
    SERVICES_URL: 'http://localhost:3002',
    SERVICES_API_KEY: 'another-key-of-16',
    CONVOS_INVITE_ORIGINS: 'https://dev.convos.org',
    POOL_PUBLIC_URL: 'http://pool.example',
  }
  const codes = (environment: string) =>
    judgeConfig(readConfig({ ...env, POOL_ENVIRONMENT: environment })).map(({ code }) => code)
  expect(codes('dev')).toEqual([])
  expect(codes('production')).toEqual(['NO_ALERTS', 'NO_METRICS', 'PUBLIC_URL_PLAIN', 'DEV_INVITES'])
})

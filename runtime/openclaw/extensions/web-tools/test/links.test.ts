import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linkKey, openPath, signPath } from '../src/links.ts'
import { GATEWAY_TOKEN } from './support.ts'

const key = linkKey(GATEWAY_TOKEN)
const until = new Date('2026-03-02T00:00:00Z')
const before = new Date('2026-03-01T23:59:59Z')
const signed = signPath(key, '/web-tools/status', until)

describe('a signed path', () => {
  test('leads to what it was made for, until its time', () => {
    expect(openPath(key, signed, before)).toEqual({ state: 'good', path: '/web-tools/status', expiresAt: until })
    expect(openPath(key, signed, until)).toEqual({ state: 'expired' })
  })

  test('is another one under another gateway token', () => {
    expect(openPath(linkKey('another-gateway-token'), signed, before)).toEqual({ state: 'forged' })
  })

  test('does not hold the token, nor what signs', () => {
    expect(signed).not.toContain(GATEWAY_TOKEN)
    expect(signed).not.toContain(key.toString('base64url'))
    expect(signed).toMatch(/^\/web-tools\/status\/[0-9a-z]+\.[\w-]{43}$/)
  })

  test('is good for no other path and no other time', () => {
    const [path = '', until36 = '', signature = ''] = /^(.*)\/(.*)\.(.*)$/.exec(signed)?.slice(1) ?? []
    const later = (Number.parseInt(until36, 36) + 1).toString(36)
    for (const other of [
      `${path}/x/${until36}.${signature}`,
      `${path}/${later}.${signature}`,
      `/web-tools/${until36}.${signature}`,
    ])
      expect(openPath(key, other, before)).toEqual({ state: 'forged' })
  })

  test('is forged when any letter of it is changed', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./'
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.constantFrom(...letters.split('')), (at, letter) => {
        fc.pre(signed[at] !== letter)
        expect(openPath(key, signed.slice(0, at) + letter + signed.slice(at + 1), before)).toEqual({ state: 'forged' })
      }),
      { numRuns: 500 },
    )
  })

  test('is forged when it is anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(openPath(key, text, before)).toEqual({ state: 'forged' })
      }),
    )
  })
})

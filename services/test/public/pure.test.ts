import { fakeClock } from '@convos/kit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLimiter } from '../../src/public/limiter.ts'
import { publicKeyOf, signedLately } from '../../src/public/signature.ts'
import { signer } from './telnyx.ts'

describe('a limiter', () => {
  test('lets so many through per window, key by key, and says how long the rest waits', async () => {
    const clock = fakeClock('2030-01-01T00:00:00Z')
    const limiter = createLimiter(clock, { max: 2, perMs: 1000 })
    expect([limiter('a'), limiter('a')]).toEqual([null, null])
    await clock.advance(400)
    expect([limiter('a'), limiter('b')]).toEqual([600, null])
    await clock.advance(600)
    expect([limiter('a'), limiter('b'), limiter('b')]).toEqual([null, null, 400])
  })

  test('never lets more through within a window, whenever they come', async () => {
    const requests = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), afterMs: fc.nat(500) }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(requests, fc.integer({ min: 1, max: 5 }), async (all, max) => {
        let now = 0
        const limiter = createLimiter({ now: () => new Date(now), sleep: () => Promise.resolve() }, { max, perMs: 1000 })
        const windows = new Map<string, { since: number; through: number }>()
        for (const { key, afterMs } of all) {
          now += afterMs
          const window = windows.get(key)
          const current = window && now < window.since + 1000 ? window : { since: now, through: 0 }
          windows.set(key, current)
          if (limiter(key) === null) current.through++
          expect(current.through).toBeLessThanOrEqual(max)
        }
      }),
    )
  })
})

describe('a signature', () => {
  const telnyx = signer()
  const key = publicKeyOf(telnyx.publicKey)
  const now = new Date('2030-01-01T00:00:00Z')
  const check = (body: string, headers: Record<string, string>) =>
    signedLately(
      {
        body: Buffer.from(body),
        timestamp: headers['telnyx-timestamp'] ?? '',
        signature: headers['telnyx-signature-ed25519'] ?? '',
      },
      { key, now, windowMs: 300_000 },
    )

  test('is of exactly this body and time', () =>
    fc.assert(
      fc.property(fc.string(), fc.string(), (body, other) => {
        const headers = telnyx.headers(body, now.getTime())
        expect(check(body, headers)).toBe(true)
        expect(check(other, headers)).toBe(other === body)
      }),
    ))

  test('holds for 300 s in both directions', () => {
    const at = (seconds: number) => check('x', telnyx.headers('x', now.getTime() + seconds * 1000))
    expect([-301, -300, 0, 300, 301].map(at)).toEqual([false, true, true, true, false])
  })

  test('that is no signature is none', () =>
    fc.assert(
      fc.property(fc.string(), (signature) => {
        expect(check('x', { ...telnyx.headers('x', now.getTime()), 'telnyx-signature-ed25519': signature })).toBe(false)
      }),
    ))

  test('needs a key of 32 bytes', () => {
    expect(() => publicKeyOf('too short')).toThrow()
  })
})

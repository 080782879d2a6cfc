import { Problem } from '@convos/kit'
import fc from 'fast-check'
import { createSiweMessage, parseSiweMessage, validateSiweMessage } from 'viem/siwe'
import { describe, expect, test } from 'vitest'
import { audienceOf, expiryOf, makeNonce } from '../src/claim/challenge.ts'
import { type OwnerRules, proveOwner } from '../src/claim/owner.ts'
import { newWallet } from './owners.ts'

const MINUTE = 60_000
const T0 = new Date('2030-01-01T12:00:00Z')
const after = (ms: number) => new Date(T0.getTime() + ms)
const SECRETS = ['the first secret']
const { nonce, expiresAt } = makeNonce(SECRETS, after(10 * MINUTE), Buffer.alloc(12, 7))
const rules = (change: Partial<OwnerRules> = {}): OwnerRules => ({
  audience: audienceOf('https://pool.example'),
  secrets: SECRETS,
  now: T0,
  maxAgeMs: 10 * MINUTE,
  aheadMs: MINUTE,
  ...change,
})

/** Made once, with a key that nobody has kept. */
const GOLDEN = {
  address: '0x0F4A6764D732fa194e8fD5EcA03ce3510b9a2F11',
  message: `pool.example wants you to sign in with your Ethereum account:
0x0F4A6764D732fa194e8fD5EcA03ce3510b9a2F11

Claim an agent.

URI: https://pool.example/api/pool/claim
Version: 1
Chain ID: 1
Nonce: 07070707070707070707070770dc83985c645caf17b328a487b683c28ad4a029
Issued At: 2030-01-01T12:00:00.000Z
Expiration Time: 2030-01-01T12:05:00.000Z`,
  signature:
    '0xe1de0d24f0941e8161201a8a6e2c8a165ad8b171de9c011a64b40b970ea451fa670e48276b6a5c0274c7eccd9ab7247f355750d4e7093672d44bd77af9fc2c001c',
}

const wallet = newWallet()
type Fields = Parameters<typeof createSiweMessage>[0]
const FIELDS: Fields = {
  ...rules().audience,
  address: wallet.address,
  nonce,
  version: '1',
  statement: 'Claim an agent.',
  issuedAt: T0,
  expirationTime: after(5 * MINUTE),
}
const sign = async (message: string) => ({ message, signature: await wallet.signMessage({ message }) })
const signed = (change: Partial<Fields> = {}) => sign(createSiweMessage({ ...FIELDS, ...change }))

/** What becomes of it: the address, or which check did not hold. */
async function outcome(given: { message: string; signature: string }, change: Partial<OwnerRules> = {}): Promise<string> {
  try {
    return (await proveOwner(given, rules(change))).address
  } catch (err) {
    if (!(err instanceof Problem) || err.status !== 401 || err.code !== 'BAD_SIGNATURE') throw err
    return err.message
  }
}
const FORM = expect.stringContaining('exact form')
const AUDIENCE = expect.stringContaining('does not name the domain')
const TIME = expect.stringContaining('not valid now')
const NONCE = expect.stringContaining('not from a challenge')
const SIGNATURE = expect.stringContaining('is not the EIP-191 signature')

describe('a signed message', () => {
  test('proves its address, for as long as its nonce is good', async () => {
    expect(await proveOwner(GOLDEN, rules())).toEqual({ address: GOLDEN.address, nonce, nonceExpiresAt: after(10 * MINUTE) })
  })

  test.each<[string, Partial<Fields>]>([
    ['without a statement', { statement: undefined }],
    ['with the scheme of the pool', { scheme: 'https' }],
    ['that names a request and resources', { requestId: 'mine', resources: ['https://pool.example/terms'] }],
    ['that has become valid', { notBefore: T0 }],
  ])('%s is taken', async (_, change) => {
    expect(await outcome(await signed(change))).toBe(wallet.address)
  })

  test.each<[string, Partial<Fields>, unknown]>([
    ['for another domain', { domain: 'other.example' }, AUDIENCE],
    ['for another port', { domain: 'pool.example:8080' }, AUDIENCE],
    ['for another scheme', { scheme: 'http' }, AUDIENCE],
    ['for another purpose', { uri: 'https://pool.example/api/session' }, AUDIENCE],
    ['for another chain', { chainId: 10 }, AUDIENCE],
    ['without an end', { expirationTime: undefined }, FORM],
    ['that has expired', { expirationTime: T0 }, TIME],
    ['that is not valid yet', { notBefore: after(1) }, TIME],
    ['with a nonce of its own', { nonce: 'f'.repeat(64) }, NONCE],
    ['with a nonce of another form', { nonce: 'abcdefgh' }, NONCE],
    ['with a nonce that was prolonged', { nonce: nonce.replace('70dc8398', '80dc8398') }, NONCE],
  ])('%s is refused, and told why', async (_, change, why) => {
    expect(await outcome(await signed(change))).toEqual(why)
  })

  test('is too old after 10 minutes, and from a clock that is more than a minute ahead', async () => {
    const late = { expirationTime: after(60 * MINUTE), nonce: makeNonce(SECRETS, after(60 * MINUTE)).nonce }
    const issued = async (issuedAt: Date) => outcome(await signed({ ...late, issuedAt }))
    expect(await issued(after(-10 * MINUTE))).toBe(wallet.address)
    expect(await issued(after(-10 * MINUTE - 1))).toEqual(TIME)
    expect(await issued(after(MINUTE))).toBe(wallet.address)
    expect(await issued(after(MINUTE + 1))).toEqual(TIME)
  })

  test('is worth nothing with a signature that is none, or another’s', async () => {
    const { message, signature } = GOLDEN
    const another = await newWallet().signMessage({ message })
    const compact = signature.slice(0, 130)
    const r0 = `0x${'0'.repeat(64)}${signature.slice(66)}`
    for (const none of [
      another,
      '',
      '0x',
      'none',
      signature.slice(2),
      compact,
      `${signature}00`,
      r0,
      `${signature.slice(0, -2)}02`,
    ])
      expect(await outcome({ message, signature: none }), none).toEqual(SIGNATURE)
  })
})

describe('a message whose form is not exact', () => {
  const canonical = createSiweMessage(FIELDS)
  test.each<[string, (text: string) => string]>([
    ['with a line too many, which hides its nonce and its end', (text) => text.replace('Version: 1\n', 'Version: 1\n\n')],
    ['with a second nonce', (text) => text.replace(/\n(Nonce: .*)/, '\n$1\n$1')],
    ['with an address in lower case', (text) => text.replace(wallet.address, wallet.address.toLowerCase())],
    ['of version 2', (text) => text.replace('Version: 1', 'Version: 2')],
    ['with a time in another form', (text) => text.replace('12:05:00.000Z', '12:05:00Z')],
    ['with a day that there is not', (text) => text.replace('2030-01-01T12:05', '2030-02-31T12:05')],
    ['with something before it', (text) => `\n${text}`],
    ['with something after it', (text) => `${text}\n`],
    ['of which only the head is there', (text) => text.slice(0, text.indexOf('URI:'))],
    ['that is no message at all', () => 'let me in'],
  ])('%s is refused, though its owner has signed it', async (_, change) => {
    expect(change(canonical)).not.toBe(canonical)
    expect(await outcome(await sign(change(canonical)))).toEqual(FORM)
  })

  test('is refused where the library alone takes it, long after it expired', async () => {
    const { domain, address } = FIELDS
    const trap = await sign(canonical.replace('Version: 1\n', 'Version: 1\n\n'))
    expect(
      validateSiweMessage({ message: parseSiweMessage(trap.message), domain, address, time: after(365 * 24 * 60 * MINUTE) }),
    ).toBe(true)
    expect(await outcome(trap, { now: after(365 * 24 * 60 * MINUTE) })).toEqual(FORM)
  })
})

describe('whatever is changed', () => {
  const { message, signature } = GOLDEN
  const at = fc.nat(message.length - 1)
  const char = fc.oneof(
    fc.constantFrom('\n', '\r', ' ', '0', 'A', '\u2028'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  const lines = message.split('\n')
  const line = fc.nat(lines.length - 1)
  const mutated = fc
    .oneof(
      fc.tuple(at, char).map(([i, c]) => message.slice(0, i) + c + message.slice(i + 1)),
      fc.tuple(at, char).map(([i, c]) => message.slice(0, i) + c + message.slice(i)),
      at.map((i) => message.slice(0, i) + message.slice(i + 1)),
      line.map((n) => lines.toSpliced(n, 1).join('\n')),
      line.map((n) => lines.toSpliced(n, 0, lines[n] ?? '').join('\n')),
      fc.tuple(line, line).map(([a, b]) =>
        lines
          .with(a, lines[b] ?? '')
          .with(b, lines[a] ?? '')
          .join('\n'),
      ),
    )
    .filter((text) => text !== message)

  test('in a message after it was signed: it is refused', () =>
    fc.assert(
      fc.asyncProperty(mutated, async (text) => {
        expect(await outcome({ message: text, signature })).not.toBe(GOLDEN.address)
      }),
      { numRuns: 300 },
    ))

  test('in a message before it is signed: it is refused, or still says the same in the same form', () =>
    fc.assert(
      fc.asyncProperty(mutated, async (text) => {
        const own = text.replace(GOLDEN.address, wallet.address)
        if ((await outcome(await sign(own))) !== wallet.address) return
        const said = parseSiweMessage(own)
        expect(said).toMatchObject({ ...rules().audience, nonce, version: '1' })
        expect(createSiweMessage(said as Fields)).toBe(own)
      }),
      { numRuns: 300 },
    ))
})

describe('a nonce', () => {
  test('is letters and digits, never twice the same, and tells until when it is good', () => {
    expect(nonce).toBe('07070707070707070707070770dc83985c645caf17b328a487b683c28ad4a029')
    expect(nonce).toMatch(/^[a-z0-9]{8,}$/)
    expect(expiresAt).toEqual(after(10 * MINUTE))
    expect(expiryOf(nonce, SECRETS)).toEqual(expiresAt)
    expect(makeNonce(SECRETS, T0).nonce).not.toBe(makeNonce(SECRETS, T0).nonce)
  })

  test('is good until it expires, and not a moment longer', async () => {
    const given = await signed({ issuedAt: after(5 * MINUTE), expirationTime: after(60 * MINUTE) })
    expect(await outcome(given, { now: after(10 * MINUTE - 1) })).toBe(wallet.address)
    expect(await outcome(given, { now: after(10 * MINUTE) })).toEqual(NONCE)
  })

  test('is accepted by every secret of ours, wherever it stands, and by no other', () => {
    expect(expiryOf(nonce, ['the next secret', 'the first secret'])).toEqual(expiresAt)
    expect(expiryOf(nonce, ['the next secret'])).toBeNull()
    expect(expiryOf(nonce, [])).toBeNull()
  })

  test('with any digit changed is not ours', () =>
    fc.assert(
      fc.property(fc.nat(nonce.length - 1), fc.constantFrom(...'0123456789abcdefgA'.split('')), (i, digit) => {
        const other = nonce.slice(0, i) + digit + nonce.slice(i + 1)
        if (other !== nonce) expect(expiryOf(other, SECRETS)).toBeNull()
      }),
    ))
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBankr } from '../src/simulators/bankr/index.ts'
import { checksummed } from '../src/simulators/bankr/secrets.ts'
import { scoped } from '../src/testing/index.ts'
import { type Mounted, mount } from './support/mount.ts'

const PARTNER = 'the-key-of-the-partner'
const MARKER = 'convos:dep1:dev:abcdefghijkl'

const Wallet = z.strictObject({
  id: z.string().regex(/^wlt_[A-Za-z0-9]{16}$/),
  evmAddress: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  solAddress: z
    .string()
    .regex(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/)
    .optional(),
  status: z.literal('active'),
  createdAt: z.iso.datetime(),
})
const Created = Wallet.extend({ apiKey: z.string().regex(/^bk_usr_[A-Za-z0-9]{8}_[A-Za-z0-9]{32}$/) })
const Page = z.object({ wallets: z.array(Wallet), nextCursor: z.string().optional() })

let bankr: Mounted
beforeEach(async () => {
  bankr = await mount((ctx) => createBankr(ctx))
})
afterEach(() => bankr[Symbol.asyncDispose]())

async function call(method: string, path: string, options: { body?: object; headers?: Record<string, string> } = {}) {
  const { body, headers = { 'x-partner-key': PARTNER } } = options
  const answer = await fetch(bankr.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  const said: unknown = await answer.json()
  return { status: answer.status, body: said }
}
const configure = (settings: object) =>
  fetch(`${bankr.controlUrl}/settings`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  })

const create = (body: object = { apiKey: {} }) => call('POST', '/partner/wallets', { body })
const newWallet = async (body?: object) => Created.parse((await create({ apiKey: {}, ...body })).body)
const list = async (query = '') => Page.parse((await call('GET', `/partner/wallets${query}`)).body)
const me = (apiKey: string) => call('GET', '/wallet/me', { headers: { 'x-api-key': apiKey } })

describe('a wallet', () => {
  test('is created with addresses and, once, its key', async () => {
    const answer = await create({ wallet: { solana: true }, apiKey: { permissions: { readOnly: false } } })
    expect(answer.status).toBe(201)
    const { apiKey, ...wallet } = Created.parse(answer.body)
    expect(wallet.solAddress).toBeDefined()
    expect(wallet.evmAddress).toBe(checksummed(wallet.evmAddress.slice(2)))
    for (const name of [wallet.id, wallet.evmAddress.toLowerCase(), wallet.solAddress]) {
      expect(await call('GET', `/partner/wallets/${name}`)).toEqual({ status: 200, body: wallet })
    }
    expect((await me(apiKey)).body).toEqual({
      success: true,
      wallets: [
        { chain: 'evm', address: wallet.evmAddress },
        { chain: 'solana', address: wallet.solAddress },
      ],
    })
  })

  test('is the same one for the same idempotency key, without the key that was told', async () => {
    const { apiKey: _told, ...wallet } = await newWallet({ idempotencyKey: MARKER })
    expect(await create({ idempotencyKey: MARKER, apiKey: {} })).toEqual({ status: 200, body: wallet })
    expect((await list()).wallets).toEqual([wallet])
  })

  test('can also be told to be there by a conflict that describes it', async () => {
    await configure({ replay: 'conflict' })
    const { apiKey: _told, ...wallet } = await newWallet({ idempotencyKey: MARKER })
    const again = await create({ idempotencyKey: MARKER, apiKey: {} })
    expect(again).toEqual({ status: 409, body: { error: expect.any(String), message: expect.any(String), ...wallet } })
    expect((await list()).wallets).toHaveLength(1)
  })

  test('is listed, in pages when they are asked for', async () => {
    const made = []
    for (let i = 0; i < 3; i++) made.push((await newWallet()).id)
    expect((await list()).wallets.map(({ id }) => id)).toEqual(made)
    const first = await list('?limit=2')
    const second = await list(`?limit=2&cursor=${first.nextCursor}`)
    expect([...first.wallets, ...second.wallets].map(({ id }) => id)).toEqual(made)
    expect(second.nextCursor).toBeUndefined()
  })

  test.each([
    ['an idempotency key that is too long', { idempotencyKey: 'x'.repeat(129) }],
    ['a range of addresses that is too wide', { apiKey: { allowedIps: ['0.0.0.0/0'] } }],
    ['an address that is none', { apiKey: { allowedIps: ['home'] } }],
  ])('%s is refused', async (_what, body) => {
    expect(await create(body)).toEqual({ status: 400, body: { error: 'Invalid request', message: expect.any(String) } })
    expect((await list()).wallets).toEqual([])
  })

  test('that does not exist is not found', async () => {
    for (const [method, path] of [
      ['GET', '/partner/wallets/wlt_nowhere'],
      ['POST', '/partner/wallets/wlt_nowhere/api-key'],
      ['DELETE', '/partner/wallets/wlt_nowhere/api-key'],
    ] as const) {
      expect(await call(method, path)).toMatchObject({ status: 404, body: { error: 'Wallet not found' } })
    }
  })
})

describe('its key', () => {
  test('is worth nothing once it is revoked; the wallet stays', async () => {
    const { id, apiKey } = await newWallet()
    expect((await call('DELETE', `/partner/wallets/${id}/api-key`)).status).toBe(200)
    expect(await me(apiKey)).toMatchObject({ status: 401, body: { error: 'Authentication required' } })
    expect((await call('DELETE', `/partner/wallets/${id}/api-key`)).status).toBe(404)
    expect(bankr.simulator.resources()).toMatchObject({ wallets: [{ id, keyActive: false }] })
  })

  test('is replaced by a new one: a wallet has one at a time', async () => {
    const { id, apiKey: old } = await newWallet()
    const answer = await call('POST', `/partner/wallets/${id}/api-key`, { body: { permissions: { readOnly: false } } })
    expect(answer.status).toBe(201)
    const { apiKey } = z.object({ apiKey: z.string() }).parse(answer.body)
    expect([(await me(old)).status, (await me(apiKey)).status]).toEqual([401, 200])
  })

  test('is not made unless it is asked for', async () => {
    expect((await create({})).body).not.toHaveProperty('apiKey')
    expect(bankr.simulator.resources()).toMatchObject({ wallets: [{ keyActive: false }] })
  })

  test('works from the addresses that it was made for', async () => {
    const here = await newWallet({ apiKey: { allowedIps: ['203.0.113.7', '127.0.0.0/8'] } })
    const elsewhere = await newWallet({ apiKey: { allowedIps: ['203.0.113.0/24'] } })
    expect((await me(here.apiKey)).status).toBe(200)
    expect(await me(elsewhere.apiKey)).toMatchObject({ status: 403, body: { error: 'IP address not allowed' } })
  })
})

describe('who may ask, and how often', () => {
  test('nobody without a partner key, nor with a user’s key in its place', async () => {
    expect(await call('GET', '/partner/wallets', { headers: {} })).toMatchObject({
      status: 401,
      body: { message: 'Partner API key required' },
    })
    const { apiKey } = await newWallet()
    expect(await call('GET', '/partner/wallets', { headers: { 'x-partner-key': apiKey } })).toMatchObject({ status: 401 })
    expect((await me(PARTNER)).status).toBe(401)
  })

  test('where a partner key is set, no other', async () => {
    const strict = scoped(await mount((ctx) => createBankr(ctx, { partnerKey: 'the-one' })))
    const status = async (key: string) =>
      (await fetch(`${strict.url}/partner/wallets`, { headers: { 'x-partner-key': key } })).status
    expect([await status('the-one'), await status('another')]).toEqual([200, 401])
  })

  test('ten creations a minute; one that is repeated costs nothing', async () => {
    for (let i = 0; i < 10; i++) await newWallet({ idempotencyKey: `k${i}` })
    const refused = await create({ idempotencyKey: 'one-more' })
    expect(refused).toMatchObject({ status: 429, body: { error: 'Rate limit exceeded', limit: 10, used: 10 } })
    expect((await create({ idempotencyKey: 'k0' })).status).toBe(200)
    const { resetAt } = z.object({ resetAt: z.number() }).parse(refused.body)
    bankr.clock.advance(resetAt - bankr.clock.now().getTime())
    expect((await create({ idempotencyKey: 'one-more' })).status).toBe(201)
  })

  test('so many requests a minute from one address', async () => {
    await configure({ requestsPerMinute: 2 })
    await list()
    await list()
    expect((await call('GET', '/partner/wallets')).status).toBe(429)
    bankr.clock.advance(60_000)
    expect((await list()).wallets).toEqual([])
  })
})

describe('as a part of the test bed', () => {
  test.each([
    ['idempotency key', { idempotencyKey: MARKER }],
    ['key’s name', { apiKey: { name: MARKER } }],
  ])('resources name the instance by the marker in the %s', async (_where, body) => {
    const { id, createdAt } = await newWallet(body)
    expect(bankr.simulator.resources()).toEqual({
      wallets: [{ id, name: expect.any(String), instanceId: 'abcdefghijkl', createdAt, keyActive: true }],
    })
  })

  test('a stale list does not show yet what is new', async () => {
    const old = await newWallet()
    bankr.clock.advance(30_000)
    await newWallet()
    bankr.faults.add({ provider: 'bankr', effect: { kind: 'stale-list', ms: 20_000 } })
    expect((await list()).wallets.map(({ id }) => id)).toEqual([old.id])
  })

  test('state survives as JSON that holds no secret', async () => {
    const { id, apiKey } = await newWallet({ idempotencyKey: MARKER })
    const saved = JSON.stringify(bankr.simulator.dump())
    expect(saved).not.toContain(apiKey)
    await bankr.simulator.reset()
    expect([bankr.simulator.resources(), (await me(apiKey)).status]).toEqual([{ wallets: [] }, 401])
    await bankr.simulator.load(JSON.parse(saved))
    expect((await me(apiKey)).status).toBe(200)
    expect((await create({ idempotencyKey: MARKER })).body).toMatchObject({ id })
  })
})

test.each([
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
])('addresses are written as EIP-55 does it: %s', (address) => {
  expect(checksummed(address.slice(2).toLowerCase())).toBe(address)
})

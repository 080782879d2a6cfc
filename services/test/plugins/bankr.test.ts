import { describe, expect, test } from 'vitest'
import { openGate } from '../../src/budget/gate.ts'
import { BANKR_API_URL, bankr } from '../../src/plugins/bankr.ts'
import { toolContract } from './contract.ts'
import { keyOf, newId, useProvider } from './world.ts'

const world = useProvider('bankr')
const plugin = (url = world.url()) => bankr({ url, partnerKey: 'partner' }, openGate, { now: () => world.now() })
const wallet = () => plugin().resources[0]

toolContract(world, {
  plugin,
  usualUrl: BANKR_API_URL,
  variables: { wallet: ['BANKR_API_KEY', 'BANKR_API_URL'] },
  creation: { wallet: { method: 'POST', path: '/partner/wallets' } },
  refusal: { status: 401, body: { error: 'Unauthorized', message: 'Partner API key required' } },
  alive: ({ wallets = [] }) => wallets.filter(({ keyActive }) => keyActive),
  findWrites: true,
})

const create = (instanceId: string) => wallet().create({ instanceId, key: keyOf(instanceId), made: {} })
const opens = (apiKey: string | undefined) => world.request('GET', '/wallet/me', undefined, { 'x-api-key': apiKey ?? '' })

describe('a wallet', () => {
  test('is the same one whenever it is made again, with a key that takes the place of the one before', async () => {
    const id = newId()
    const first = await create(id)
    const second = await create(id)
    expect([second.resourceId, second.config]).toEqual([first.resourceId, first.config])
    expect(await opens(second.envVars['BANKR_API_KEY'])).toMatchObject({ wallets: [{ address: first.config['address'] }] })
    await expect(opens(first.envVars['BANKR_API_KEY'])).rejects.toThrow('401')
  })

  test('is the same one too where a repeated creation is a conflict', async () => {
    const id = newId()
    const first = await create(id)
    await world.set({ replay: 'conflict' })
    const second = await create(id)
    expect(second.resourceId).toBe(first.resourceId)
    expect(await wallet().find(keyOf(id))).toEqual([first.resourceId])
    expect(await opens(second.envVars['BANKR_API_KEY'])).toMatchObject({ success: true })
  })

  test('is one that a conflict does not show yet', async () => {
    const body = { error: 'Conflict', message: 'a request with this idempotencyKey is in flight' }
    world.fault({ match: { method: 'POST' }, times: 1, effect: { kind: 'status', status: 409, body, headers: {} } })
    await expect(create(newId())).rejects.toMatchObject({ kind: 'transient', uncertain: true })
  })

  test('outlives its agent without a key, and cannot be deleted', async () => {
    const { resourceId, envVars } = await create(newId())
    await wallet().destroy(resourceId)
    await expect(opens(envVars['BANKR_API_KEY'])).rejects.toThrow('401')
    expect(wallet().retained).toBe('resource')
    expect((await world.resources())['wallets']).toMatchObject([{ id: resourceId, keyActive: false }])
  })

  test('that is only looked for has no key', async () => {
    await wallet().find(keyOf(newId()))
    expect((await world.resources())['wallets']).toMatchObject([{ keyActive: false }])
  })

  test('waits its turn: so many are made in a minute, and the provider says when the next one is', async () => {
    await world.set({ createsPerMinute: 1 })
    await create(newId())
    world.later(20_000)
    const err: unknown = await create(newId()).catch((refused: unknown) => refused)
    expect(err).toMatchObject({ kind: 'rate_limited', uncertain: false })
    const { retryAfterMs } = err as { retryAfterMs: number }
    expect(retryAfterMs).toBeGreaterThan(30_000)
    expect(retryAfterMs).toBeLessThanOrEqual(40_000)
    world.later(retryAfterMs)
    await create(newId())
  })
})

test('without a partner key there are no wallets', () => {
  expect(bankr(null, openGate).available).toBe(false)
})

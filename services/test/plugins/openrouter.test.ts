import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openGate } from '../../src/budget/gate.ts'
import { openrouter, type OpenrouterOptions } from '../../src/plugins/openrouter.ts'
import { toolContract } from './contract.ts'
import { keyOf, makeAll, newId, useProvider } from './world.ts'

const PAGE = 100
const world = useProvider('openrouter')
const plugin = (over: Partial<OpenrouterOptions> = {}) =>
  openrouter({ url: world.url(), managementKey: 'management', limit: 20, limitReset: 'monthly', ...over }, openGate)

toolContract(world, {
  plugin: () => plugin(),
  variables: { key: ['OPENROUTER_API_KEY'] },
  creation: { key: { method: 'POST', path: '/keys' } },
  strangers: () => world.request('POST', '/keys', { name: 'somebody' }),
  refusal: { status: 401, body: { error: { code: 401, message: 'Missing Authentication header' } } },
  alive: ({ keys = [] }) => keys,
})

/** An instance's key: its id, and itself. */
async function newKey() {
  const { key } = await makeAll(world, plugin(), newId())
  return { hash: key?.resourceId ?? '', secret: key?.envVars['OPENROUTER_API_KEY'] ?? '' }
}
const change = (resourceId: string, wanted: unknown) => plugin().update?.apply({ resourceId, change: wanted })
const spend = (secret: string) =>
  world.request(
    'POST',
    '/chat/completions',
    { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] },
    { authorization: `Bearer ${secret}` },
  )

describe('a key', () => {
  test('has the limit that every instance gets', async () => {
    const { hash } = await newKey()
    expect(await plugin().usage?.(hash)).toEqual({
      limit: 20,
      remaining: 20,
      used: 0,
      usedToday: 0,
      reset: 'monthly',
      disabled: false,
      accountRemaining: 1000,
      exhausted: null,
    })
  })

  test('takes another limit, another period, or none', async () => {
    const { hash } = await newKey()
    expect(await change(hash, { limit: 50 })).toEqual({ config: { limit: 50, limitReset: 'monthly', disabled: false } })
    expect(await change(hash, { limitReset: 'daily', disabled: true })).toEqual({
      config: { limit: 50, limitReset: 'daily', disabled: true },
    })
    expect(await change(hash, { limit: null, limitReset: null })).toMatchObject({ config: { limit: null, limitReset: null } })
    expect(await plugin().usage?.(hash)).toMatchObject({ limit: null, remaining: null, reset: null, exhausted: null })
  })

  test.each([[{}], [{ limit: -1 }], [{ limitReset: 'hourly' }], [{ limt: 5 }]])('is not changed by %j', async (wanted) => {
    expect(plugin().update?.schema.safeParse(wanted).success).toBe(false)
  })

  test('that is gone has no usage and no limit', async () => {
    await expect(plugin().usage?.('0'.repeat(64))).rejects.toMatchObject({ kind: 'not_found' })
    await expect(change('0'.repeat(64), { limit: 1 })).rejects.toMatchObject({ kind: 'not_found' })
  })
})

describe('what is used up', () => {
  test('is the key’s own limit', async () => {
    const { hash, secret } = await newKey()
    await spend(secret)
    const used = Number((await plugin().usage?.(hash))?.['used'])
    expect(used).toBeGreaterThan(0)
    await change(hash, { limit: used / 2 })
    expect(await plugin().usage?.(hash)).toMatchObject({ used, remaining: 0, exhausted: 'key_limit' })
  })

  test('or the account, which no higher limit mends', async () => {
    const { hash } = await newKey()
    await change(hash, { limit: 0 })
    const body = { data: { total_credits: 10, total_usage: 10.5 } }
    world.fault({ match: { path: '/credits' }, effect: { kind: 'status', status: 200, body, headers: {} } })
    expect(await plugin().usage?.(hash)).toMatchObject({ accountRemaining: -0.5, exhausted: 'account_empty' })
  })
})

describe('the list', () => {
  test('tells keys that are switched off', async () => {
    const { hash } = await newKey()
    await change(hash, { disabled: true })
    expect((await plugin().resources[0].list?.())?.map(({ resourceId }) => resourceId)).toEqual([hash])
  })

  /** A provider with `count` keys, newest first; `afterPage` runs between two pages. */
  async function providerOf(count: number, afterPage: (keys: { hash: string; name: string }[]) => void) {
    const keys = Array.from({ length: count }, (_, i) => ({
      hash: `h${i}`,
      name: keyOf(newId()),
      created_at: '2026-01-01T00:00:00Z',
    }))
    const server = createServer((req, res) => {
      const offset = Number(new URL(req.url ?? '', 'http://x').searchParams.get('offset'))
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: keys.slice(offset, offset + PAGE) }))
      afterPage(keys)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const list = async () => (await plugin({ url }).resources[0].list?.())?.map(({ resourceId }) => resourceId)
    return { keys, list }
  }

  test('tells every key once, however many pages there are', async () => {
    const { keys, list } = await providerOf(250, () => {})
    expect(await list()).toEqual(keys.map(({ hash }) => hash))
  })

  test('hides none because others are deleted or made while it is read', async () => {
    const { keys, list } = await providerOf(250, (all) => void all.splice(0, 10))
    const listed = new Set(await list())
    for (const { hash } of keys) expect(listed).toContain(hash)
  })
})

test('without a management key there are none', () => {
  expect(openrouter(null, openGate).available).toBe(false)
})

import { scoped } from '../src/testing/index.ts'
import { OpenRouter } from '@openrouter/sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOpenRouter } from '../src/simulators/openrouter/index.ts'
import { type Mounted, mount } from './support/mount.ts'

const MANAGEMENT = 'management-key-of-the-account'
const MARKER = 'convos:dep1:dev:abcdefghijkl'

let openrouter: Mounted
beforeEach(async () => {
  openrouter = await mount((ctx) => createOpenRouter(ctx))
})
afterEach(() => openrouter[Symbol.asyncDispose]())

const sdk = (apiKey = MANAGEMENT) =>
  new OpenRouter({ apiKey, serverURL: openrouter.url, retryConfig: { strategy: 'none' }, timeoutMs: 5_000 })

function call(method: string, path: string, options: { key?: string; body?: unknown } = {}) {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (options.key) headers['authorization'] = `Bearer ${options.key}`
  return fetch(openrouter.url + path, {
    method,
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  })
}

const newKey = async (body: Partial<Parameters<OpenRouter['apiKeys']['create']>[0]['requestBody']> = {}) =>
  sdk().apiKeys.create({ requestBody: { name: 'a key', ...body } })

const ask = (key: string, body: object = {}) =>
  call('POST', '/chat/completions', {
    key,
    body: { model: 'openai/gpt-5', messages: [{ role: 'user', content: 'hello' }], ...body },
  })

describe('the official SDK', () => {
  test('creates a key; its secret is told once', async () => {
    const expiresAt = new Date('2040-01-01T00:00:00.000Z')
    const { key, data } = await newKey({ name: MARKER, limit: 5, limitReset: 'monthly', expiresAt })
    expect(key).toMatch(/^sk-or-v1-[0-9a-f]{64}$/)
    expect(data).toMatchObject({
      name: MARKER,
      limit: 5,
      limitRemaining: 5,
      limitReset: 'monthly',
      usage: 0,
      updatedAt: null,
      expiresAt,
    })
    expect(data.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(data.label).toBe(`${key.slice(0, 12)}...${key.slice(-4)}`)
    expect(JSON.stringify((await sdk().apiKeys.get({ hash: data.hash })).data)).not.toContain(key)
  })

  test('lists, reads, updates and deletes', async () => {
    const { data } = await newKey({ limit: 5 })
    const updated = await sdk().apiKeys.update({ hash: data.hash, requestBody: { disabled: true, limit: null } })
    expect(updated.data).toMatchObject({ disabled: true, limit: null, limitRemaining: null, name: 'a key' })
    expect((await sdk().apiKeys.list({})).data).toEqual([])
    expect((await sdk().apiKeys.list({ includeDisabled: true })).data.map((key) => key.hash)).toEqual([data.hash])
    expect(await sdk().apiKeys.delete({ hash: data.hash })).toMatchObject({ deleted: true })
    await expect(sdk().apiKeys.get({ hash: data.hash })).rejects.toMatchObject({ statusCode: 404 })
    await expect(sdk().apiKeys.delete({ hash: data.hash })).rejects.toMatchObject({ statusCode: 404 })
  })

  test('completes, whole and streamed, with the same words', async () => {
    const { key } = await newKey()
    const chatRequest = {
      model: 'openai/gpt-5',
      messages: [
        { role: 'system' as const, content: 'You are a baker.' },
        { role: 'user' as const, content: 'hello' },
      ],
    }
    const whole = await sdk(key).chat.send({ chatRequest: { ...chatRequest, stream: false } })
    if (!('choices' in whole)) throw new Error('expected a whole answer')
    expect(whole.choices[0]?.message.content).toMatch(/^Hello\. Speaking as a baker/)
    expect(whole.usage?.totalTokens).toBeGreaterThan(0)

    const stream = await sdk(key).chat.send({ chatRequest: { ...chatRequest, stream: true } })
    if ('choices' in stream) throw new Error('expected a stream')
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(whole.choices[0]?.message.content)
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
    expect(chunks.at(-2)?.choices[0]?.finishReason).toBe('stop')
    expect(chunks.at(-1)?.usage).toMatchObject({ cost: 0.001 })
  })

  test('reads credits, the key’s view of itself, and the models', async () => {
    const { key } = await newKey({ limit: 1 })
    await ask(key)
    expect((await sdk().credits.getCredits()).data).toEqual({ totalCredits: 1_000, totalUsage: 0.001 })
    const self = await sdk(key).apiKeys.getCurrentKeyMetadata()
    expect(self.data).toMatchObject({ limit: 1, limitRemaining: 0.999, usage: 0.001, isManagementKey: false })
    const models = await sdk(key).models.list()
    expect(models.result.data.map((model) => model.id)).toContain('openrouter/auto')
  })
})

describe('listing', () => {
  test('is in pages of 100, the newest first, and says nothing about further pages', async () => {
    for (let i = 0; i < 101; i++) await call('POST', '/keys', { key: MANAGEMENT, body: { name: `k${i}` } })
    const page = async (offset: number): Promise<unknown> =>
      (await call('GET', `/keys?offset=${offset}`, { key: MANAGEMENT })).json()
    const first = await page(0)
    expect(first).toMatchObject({ data: expect.objectContaining({ length: 100 }) })
    expect(Object.keys(first as object)).toEqual(['data'])
    expect(first).toHaveProperty('data.0.name', 'k100')
    expect(await page(100)).toEqual({ data: [expect.objectContaining({ name: 'k0' })] })
    expect(await page(200)).toEqual({ data: [] })
  })

  test('shows one workspace at a time', async () => {
    const workspaceId = crypto.randomUUID()
    const { data } = await newKey({ workspaceId })
    expect((await sdk().apiKeys.list({})).data).toEqual([])
    expect((await sdk().apiKeys.list({ workspaceId })).data.map((key) => key.hash)).toEqual([data.hash])
  })

  test('is behind the times while a fault says so', async () => {
    const { data: old } = await newKey()
    openrouter.clock.advance(30_000)
    await newKey()
    openrouter.faults.add({ provider: 'openrouter', match: { path: '/keys' }, effect: { kind: 'stale-list', ms: 20_000 } })
    expect((await sdk().apiKeys.list({})).data.map((key) => key.hash)).toEqual([old.hash])
  })

  test('names are not unique', async () => {
    await newKey({ name: 'twin' })
    await newKey({ name: 'twin' })
    expect((await sdk().apiKeys.list({})).data.map((key) => key.name)).toEqual(['twin', 'twin'])
  })
})

describe('on the wire', () => {
  test('creation answers 201 with the secret beside the data, and null where nothing is', async () => {
    const answer = await call('POST', '/keys', { key: MANAGEMENT, body: { name: 'n' } })
    expect(answer.status).toBe(201)
    expect(await answer.json()).toEqual({
      key: expect.any(String),
      data: expect.objectContaining({
        external_user: null,
        updated_at: null,
        limit: null,
        limit_remaining: null,
        expires_at: null,
      }),
    })
  })

  test.each([
    ['no name', {}],
    ['an empty name', { name: '' }],
    ['an unknown reset', { name: 'n', limit_reset: 'hourly' }],
    ['a negative limit', { name: 'n', limit: -1 }],
  ])('%s is refused', async (_what, body) => {
    const answer = await call('POST', '/keys', { key: MANAGEMENT, body })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ error: { code: 400, message: 'Invalid request parameters' } })
  })

  test('malformed JSON is a 400 in the same envelope', async () => {
    const headers = { authorization: `Bearer ${MANAGEMENT}`, 'content-type': 'application/json' }
    const answer = await fetch(`${openrouter.url}/keys`, { method: 'POST', headers, body: '{' })
    expect([answer.status, await answer.json()]).toEqual([400, { error: { code: 400, message: expect.any(String) } }])
  })

  test('a stream is server-sent events that end with [DONE]', async () => {
    const { key } = await newKey()
    const answer = await ask(key, { stream: true })
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const events = (await answer.text()).split('\n\n').filter((event) => event.startsWith('data: '))
    expect(events.length).toBeGreaterThan(4)
    expect(events.at(-1)).toBe('data: [DONE]')
  })
})

describe('who may do what', () => {
  test('without a bearer nobody does anything', async () => {
    for (const [method, path] of [
      ['GET', '/keys'],
      ['GET', '/credits'],
      ['GET', '/key'],
      ['GET', '/models'],
      ['POST', '/chat/completions'],
    ] as const) {
      const answer = await call(method, path)
      expect([path, answer.status]).toEqual([path, 401])
      expect(await answer.json()).toEqual({ error: { code: 401, message: 'Missing Authentication header' } })
    }
  })

  test('an ordinary key cannot manage keys', async () => {
    const { key } = await newKey()
    const answer = await call('GET', '/keys', { key })
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { error: { code: 403, message: 'Only management keys can perform this operation' } },
    ])
  })

  test('the management key cannot buy completions', async () => {
    expect((await ask(MANAGEMENT)).status).toBe(401)
  })

  test('disabled, expired and deleted keys are invalid at once, for everything', async () => {
    const disabled = await newKey()
    await sdk().apiKeys.update({ hash: disabled.data.hash, requestBody: { disabled: true } })
    const expired = await newKey({ expiresAt: new Date(Date.now() + 60_000) })
    openrouter.clock.advance(61_000)
    const deleted = await newKey()
    await sdk().apiKeys.delete({ hash: deleted.data.hash })
    for (const { key } of [disabled, expired, deleted]) {
      expect((await ask(key)).status).toBe(401)
      expect((await call('GET', '/keys', { key })).status).toBe(401)
    }
  })

  test('where a management key is set, no other bearer passes for it', async () => {
    const strict = scoped(await mount((ctx) => createOpenRouter(ctx, { managementKey: 'the-one' })))
    const status = async (key: string) =>
      (await fetch(`${strict.url}/keys`, { headers: { authorization: `Bearer ${key}` } })).status
    expect([await status('the-one'), await status('another')]).toEqual([200, 401])
  })
})

describe('spending', () => {
  test('a key at its limit gets 403, until the limit is raised', async () => {
    const { key, data } = await newKey({ limit: 0.001 })
    expect((await ask(key)).status).toBe(200)
    const refused = await ask(key)
    expect([refused.status, await refused.json()]).toEqual([
      403,
      { error: { code: 403, message: 'Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys' } },
    ])
    await sdk().apiKeys.update({ hash: data.hash, requestBody: { limit: 1 } })
    expect((await ask(key)).status).toBe(200)
    expect((await sdk().apiKeys.get({ hash: data.hash })).data).toMatchObject({
      usage: 0.002,
      usageDaily: 0.002,
      limitRemaining: 0.998,
    })
  })
})

describe('as a part of the test bed', () => {
  test('resources name each key’s instance by the marker', async () => {
    const { data } = await newKey({ name: `agent ${MARKER}` })
    expect(openrouter.simulator.resources()).toEqual({
      keys: [
        {
          id: data.hash,
          name: `agent ${MARKER}`,
          instanceId: 'abcdefghijkl',
          createdAt: expect.stringMatching(/Z$/),
          disabled: false,
          usage: 0,
        },
      ],
    })
  })

  test('state survives as JSON that holds no secret', async () => {
    const { key, data } = await newKey({ limit: 1 })
    const gone = await newKey()
    await sdk().apiKeys.delete({ hash: gone.data.hash })
    const saved = JSON.stringify(openrouter.simulator.dump())
    expect(saved).not.toContain(key.slice(20))

    await openrouter.simulator.reset()
    expect(openrouter.simulator.resources()).toEqual({ keys: [] })
    await openrouter.simulator.load(JSON.parse(saved))
    expect((await ask(key)).status).toBe(200)
    expect((await call('GET', '/keys', { key: gone.key })).status).toBe(401)
    expect((await sdk().apiKeys.list({})).data.map((each) => each.hash)).toEqual([data.hash])
  })
})

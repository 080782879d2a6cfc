import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Gate, openGate } from '../../src/budget/gate.ts'
import { ProviderError } from '../../src/infra/errors.ts'
import { createRestClient } from '../../src/plugins/rest.ts'
import { useProvider } from './world.ts'

const world = useProvider('openrouter')
const client = (gate: Gate = openGate) =>
  createRestClient({
    provider: 'openrouter',
    baseUrl: world.url(),
    headers: { authorization: 'Bearer management' },
    gate,
    timeoutMs: 200,
  })

test.each([
  { method: 'POST', path: '/keys', json: { name: 'n' }, uncertain: true },
  { method: 'GET', path: '/keys', json: undefined, uncertain: false },
] as const)(
  'a $method that is not answered in time is worth another try; uncertain: $uncertain',
  async ({ uncertain, path, ...call }) => {
    world.fault({ effect: { kind: 'hang' } })
    const asked = client()(path, { operation: 'ask', ...call, reply: z.unknown() })
    await expect(asked).rejects.toMatchObject({ kind: 'transient', uncertain, provider: 'openrouter', operation: 'ask' })
  },
)

test('a provider that says when to come back is heard', async () => {
  world.fault({ effect: { kind: 'status', status: 429, headers: { 'retry-after': '7' } } })
  const asked = client()('/keys', { operation: 'listKeys', reply: z.unknown() })
  await expect(asked).rejects.toMatchObject({ kind: 'rate_limited', retryAfterMs: 7_000 })
})

test('every request passes the gate, which may refuse it unasked', async () => {
  const refusal = new ProviderError('wait', { provider: 'openrouter', operation: 'ask', kind: 'rate_limited', uncertain: false })
  const asked = client({ pass: () => Promise.reject(refusal) })('/keys', { operation: 'ask', reply: z.unknown() })
  await expect(asked).rejects.toBe(refusal)
  expect(world.asked('GET', /keys/)).toBe(0)
})

test('no failure tells what was sent or answered', async () => {
  world.fault({ effect: { kind: 'status', status: 400, body: { error: 'Bearer management' }, headers: {} } })
  const err: unknown = await client()('/keys', {
    operation: 'ask',
    json: { key: 'secret' },
    method: 'POST',
    reply: z.unknown(),
  }).catch((refused: unknown) => refused)
  expect(err).toMatchObject({ kind: 'permanent', uncertain: false })
  const { inspect } = await import('node:util')
  expect(inspect(err, { depth: 10 })).not.toMatch(/management|secret/)
})

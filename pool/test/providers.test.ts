import { scoped } from '@convos/sandbox/testing'
import type { ProviderState } from '@convos/services/contract'
import { expect, test } from 'vitest'
import { testPool } from './harness.ts'

const railway: ProviderState = {
  provider: 'railway',
  configured: true,
  health: 'blocked',
  requests: 12,
  refused: 1,
  failed: 0,
  budget: 1_000,
  left: 988,
  windowStartedAt: '2030-01-01T00:00:00.000Z',
  blockedUntil: '2030-01-01T00:10:00.000Z',
  lastOkAt: null,
  lastError: 'railway: wait',
  lastErrorAt: '2030-01-01T00:09:00.000Z',
  creditRemaining: null,
  creditAt: null,
}

test('operators see the providers as services does, and many who look ask it once', async () => {
  const pool = scoped(await testPool())
  pool.services.providers = [railway]
  const answers = await Promise.all(Array.from({ length: 5 }, () => pool.call('GET', '/api/pool/providers')))
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { providers: [railway] } })
  expect(pool.services.called(/GET \/providers/)).toHaveLength(1)
})

test('a services of the version before says nothing of credit', async () => {
  const pool = scoped(await testPool())
  const { creditRemaining: _, creditAt: __, ...before } = railway
  pool.services.providers = [before as ProviderState]
  expect((await pool.call('GET', '/api/pool/providers')).body).toEqual({ providers: [railway] })
})

test('where services cannot be asked the answer is 503, and the next one asks again', async () => {
  const pool = scoped(await testPool())
  pool.services.providers = [{ ...railway, health: 'strange' as 'ok' }]
  expect(await pool.call('GET', '/api/pool/providers')).toMatchObject({ status: 503, body: { code: 'SERVICES_UNAVAILABLE' } })
  pool.services.providers = [railway]
  expect((await pool.call('GET', '/api/pool/providers')).status).toBe(200)
  await pool.services.close()
})

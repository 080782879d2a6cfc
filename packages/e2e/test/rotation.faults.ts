/** Every key of ours is replaced while agents are claimed: nobody is turned away for it, and what was sealed before opens afterwards. */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { poolClient } from './support/pool.ts'
import { type Environment, query, useWorld } from './support/world.ts'

const world = useWorld()
const newKey = (prefix: string) => `${prefix}_${randomBytes(24).toString('hex')}`

/** Claims one agent after the other, as a client that repeats whatever got no answer; `key` is asked for anew each time. */
function startTraffic(env: Environment, key: () => string) {
  const stopped = new AbortController()
  const refusals: string[] = []
  const claims: { claimId: string; instanceId: string }[] = []
  const one = async (idempotencyKey: string) => {
    for (;;) {
      const pool = poolClient({ poolUrl: env.pool.url, poolApiKey: key() })
      const answer = await pool
        .claim({ agentName: 'Traveller', waitMs: 5_000 }, { 'Idempotency-Key': idempotencyKey })
        .catch(() => null)
      if (answer?.status === 200) {
        const { claimId, instanceId } = pool.claimed(answer)
        return void claims.push({ claimId, instanceId: instanceId ?? '' })
      }
      // a restart of the only replica: no answer, or "not now"
      if (answer && ![202, 503].includes(answer.status)) refusals.push(`${answer.status} ${JSON.stringify(answer.body)}`)
      await wait(20)
    }
  }
  const running = (async () => {
    for (let n = 0; !stopped.signal.aborted; n++) await one(`traffic-${n}`)
  })()
  return {
    claims,
    refusals,
    more: (of: string) => {
      const enough = claims.length + 2
      return eventually(`claims go on ${of}`, () => claims.length >= enough, { timeoutMs: 30_000 })
    },
    async end() {
      stopped.abort()
      await running
    },
  }
}

test('the keys of pool, of services and of the vault are replaced under traffic', async () => {
  const env = await world.start('dev', 3)
  const { pool, services } = env
  const old = {
    pool: pool.apiKey,
    services: services.apiKey,
    secret: pool.env['POOL_SECRET'] ?? '',
    vault: services.env['SERVICES_ENCRYPTION_KEYS'] ?? '',
  }
  const fresh = {
    pool: newKey('pool'),
    services: newKey('services'),
    secret: newKey('secret'),
    vault: `k2:${randomBytes(32).toString('base64')}`,
  }
  let usedKey = old.pool
  const traffic = startTraffic(env, () => usedKey)
  await traffic.more('before')
  const first = traffic.claims[0]?.claimId

  const both = { SERVICES_API_KEY: `${fresh.services},${old.services}`, SERVICES_ENCRYPTION_KEYS: `${fresh.vault},${old.vault}` }
  await services.stop()
  await services.start(both)
  await traffic.more('while services accepts both')
  await pool.stop()
  await pool.start({
    SERVICES_API_KEY: fresh.services,
    POOL_API_KEY: `${fresh.pool},${old.pool}`,
    POOL_SECRET: `${fresh.secret},${old.secret}`,
  })
  await traffic.more('with the old key of pool')
  usedKey = fresh.pool
  await traffic.more('with the new one')

  const { code, output } = await services.run('src/cli.ts', ['reencrypt'], both)
  expect([code, output]).toEqual([0, expect.stringMatching(/^\d+ rows sealed with "k2", 0 values cannot be opened/)])
  const stale = await query(
    env.databases.services,
    `select id from (
       select instance_id as id, unnest(array[desired_env, gateway_token, control_token, services_token]) as sealed from instance_infra
       union all select instance_id, secret from instance_services) s where sealed is not null and sealed not like 'v1.k2.%'`,
  )
  expect(stale).toEqual([])

  await services.stop()
  await services.start({ SERVICES_API_KEY: fresh.services, SERVICES_ENCRYPTION_KEYS: fresh.vault })
  await pool.stop()
  await pool.start({ SERVICES_API_KEY: fresh.services, POOL_API_KEY: fresh.pool, POOL_SECRET: fresh.secret })
  await traffic.more('without the old ones')
  await traffic.end()

  expect(traffic.refusals).toEqual([])
  expect(new Set(traffic.claims.map(({ instanceId }) => instanceId)).size).toBe(traffic.claims.length)
  expect(await pool.log()).not.toMatch(/UNAUTHORIZED/)
  const now = poolClient({ poolUrl: pool.url, poolApiKey: fresh.pool })
  const { gatewayToken } = now.claimed(await now.call('GET', `/api/pool/claims/${first}`))
  expect(gatewayToken, 'what was sealed with the old key is read with the new one').toMatch(/^[0-9a-f]{64}$/)
  expect((await env.api.call('GET', '/api/pool/status')).status).toBe(401)
  const asPool = { headers: { authorization: `Bearer ${old.services}`, 'x-environment': 'dev' } }
  expect((await fetch(`${services.url}/registry`, asPool)).status).toBe(401)
})

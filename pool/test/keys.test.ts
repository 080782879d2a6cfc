import { Problem } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { PUBLIC_URL, seedReady, testPool, type TestPool } from './harness.ts'
import { makeKey } from './keys.ts'

const page = { origin: PUBLIC_URL, 'content-type': 'application/json' }

async function login(pool: TestPool, body: Record<string, unknown>) {
  const answer = await pool.call('POST', '/api/session', { key: null, headers: page, body })
  return { ...answer, cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' }
}

async function countClaims(pool: TestPool): Promise<number> {
  const { rows } = await pool.db.query<{ n: number }>({ text: 'select count(*)::int as n from claims' })
  return rows[0]?.n ?? 0
}

describe('a named key', () => {
  test('is told once, and kept and logged nowhere', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const body = { name: 'site', role: 'claimer', claimsPerMinute: 30, claimsPerDay: 100 }
    const made = await pool.call('POST', '/api/keys', { body })
    expect(made).toMatchObject({ status: 201, body: { ...body, lastUsedAt: null, revokedAt: null } })
    const { key, ...told } = made.body
    expect(key).toMatch(/^convos_[\w-]{43}$/)
    await pool.claim({}, { key: String(key) })
    await login(pool, { key })
    const listed = await pool.call('GET', '/api/keys')
    expect(listed.body['keys']).toEqual([{ ...told, lastUsedAt: expect.any(String) }])

    const { rows } = await pool.db.query<{ all: string }>({
      text: `
        select concat((select json_agg(k) from api_keys k), (select json_agg(s) from sessions s), (select json_agg(c) from claims c),
          (select json_agg(e) from instance_events e), (select json_agg(r) from rate_limits r)) as all`,
    })
    const seen = [rows[0]?.all, listed.text, ...pool.logged].join('\n')
    expect(seen).toContain(told['id'])
    expect(seen).not.toContain(key)
    expect(seen).not.toContain(String(key).replace('convos_', ''))
  })

  test('is made and revoked on the record', async () => {
    const pool = scoped(await testPool())
    const { id } = await makeKey(pool, { name: 'site' })
    await pool.call('DELETE', `/api/keys/${id}`)
    const { rows } = await pool.db.query({
      text: `select type, actor, detail from instance_events where type like 'key_%' order by id`,
    })
    const detail = { keyId: id, name: 'site', role: 'claimer' }
    expect(rows).toEqual([
      { type: 'key_created', actor: 'key:pool', detail },
      { type: 'key_revoked', actor: 'key:pool', detail },
    ])
  })

  test('has a name that no other live key has', async () => {
    const pool = scoped(await testPool())
    const body = { name: 'site', role: 'operator' }
    const create = () => pool.call('POST', '/api/keys', { body })
    const first = await create()
    expect(await create()).toMatchObject({ status: 409, body: { code: 'NAME_TAKEN' } })
    const revoked = await pool.call('DELETE', `/api/keys/${String(first.body['id'])}`)
    expect(revoked).toMatchObject({ status: 200, body: { revokedAt: expect.any(String) } })
    expect((await create()).status).toBe(201)
    // once more is fine, and changes nothing
    expect((await pool.call('DELETE', `/api/keys/${String(first.body['id'])}`)).body).toEqual(revoked.body)
    expect((await pool.call('DELETE', '/api/keys/nothing')).status).toBe(404)
  })

  test('is asked for with exactly what there is to say', async () => {
    const pool = scoped(await testPool())
    const right = { name: 'site', role: 'claimer' }
    const wrong = [
      { name: undefined },
      { name: '' },
      { name: 'a\0b' },
      { role: 'admin' },
      { claimsPerMinute: 0 },
      { key: 'mine' },
    ]
    for (const body of wrong.map((part) => ({ ...right, ...part })))
      expect((await pool.call('POST', '/api/keys', { body })).status, JSON.stringify(body)).toBe(400)
    expect((await pool.call('POST', '/api/keys', { body: right })).body).toMatchObject({
      claimsPerMinute: 60,
      claimsPerDay: null,
    })
  })

  test('gives its role to the sessions made from it', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const { id, key } = await makeKey(pool, { name: 'site' })
    const session = await login(pool, { key })
    expect(session).toMatchObject({ status: 201, body: { role: 'claimer' } })
    const { cookie } = session
    const own = await pool.call('GET', '/api/session', { key: null, headers: { cookie } })
    expect(own.body).toMatchObject({ role: 'claimer', principal: `key:${id}`, keyName: 'site' })
    expect((await pool.call('GET', '/api/pool/status', { key: null, headers: { cookie } })).status).toBe(403)
    const { body: claim } = await pool.claim({}, { key: null, headers: { ...page, cookie } })
    expect((await pool.call('GET', `/api/pool/instances/${String(claim['instanceId'])}`)).body).toMatchObject({
      principal: `key:${id}`,
    })
  })

  test('once revoked is refused at once, by every replica, with its sessions and login codes; its agents stay', async () => {
    const pool = scoped(await testPool())
    const second = scoped(await pool.replica())
    await seedReady(pool, 1)
    const { id, key } = await makeKey(pool, { role: 'operator' })
    const { body: claim } = await pool.claim({}, { key })
    const { cookie } = await login(pool, { key })
    const code = await pool.call('POST', '/api/session/codes', { key })
    const ask = async (replica: TestPool) => [
      (await replica.call('GET', '/api/pool/status', { key })).status,
      (await replica.call('GET', '/api/pool/status', { key: null, headers: { cookie } })).status,
    ]
    expect([await ask(pool), await ask(second)]).toEqual([
      [200, 200],
      [200, 200],
    ])
    await pool.call('DELETE', `/api/keys/${id}`)
    expect([await ask(pool), await ask(second)]).toEqual([
      [401, 401],
      [401, 401],
    ])
    expect((await login(second, { key })).status).toBe(401)
    expect((await login(second, { loginCode: code.body['loginCode'] })).status).toBe(401)
    expect((await pool.call('GET', `/api/pool/instances/${String(claim['instanceId'])}`)).body).toMatchObject({
      status: 'claimed',
    })
  })

  test('once revoked opens nothing with a session that was made in the same moment', async () => {
    const pool = scoped(await testPool())
    const { id, key } = await makeKey(pool)
    const { cookie } = await login(pool, { key })
    // as a login does that looked at the key before, and wrote its session after it was revoked
    const { rows } = await pool.db.query<Record<string, unknown>>({
      text: 'select token_hash, principal, role, key_hash, created_at, expires_at from sessions',
    })
    await pool.call('DELETE', `/api/keys/${id}`)
    await pool.db.query({
      text: 'insert into sessions (token_hash, principal, role, key_hash, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)',
      values: Object.values(rows[0] ?? {}),
    })
    expect((await pool.call('GET', '/api/session', { key: null, headers: { cookie } })).status).toBe(401)
  })
})

describe('the limits of a named key', () => {
  test('hold for its claims a minute, over all replicas; what is refused has begun nothing', async () => {
    const pool = scoped(await testPool())
    const second = scoped(await pool.replica())
    await seedReady(pool, 6)
    const { key } = await makeKey(pool, { claimsPerMinute: 3 })
    const tries = await Promise.all(Array.from({ length: 8 }, (_, n) => (n % 2 ? pool : second).claim({}, { key })))
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(3)
    const refused = tries.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(5)
    for (const { body, headers } of refused) {
      expect(body).toMatchObject({ code: 'RATE_LIMITED' })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
    }
    expect(await countClaims(pool)).toBe(3)
    // each key has its own, and the pool key none
    expect((await pool.claim({}, { key: (await makeKey(pool, { claimsPerMinute: 1 })).key })).status).toBe(200)
    expect((await Promise.all([pool.claim(), pool.claim()])).map(({ status }) => status)).toEqual([200, 200])
  })

  test('hold for its claims a day; those that come to nothing, and repeats, do not count', async () => {
    const pool = scoped(await testPool())
    const { key } = await makeKey(pool, { claimsPerDay: 2 })
    for (let n = 0; n < 3; n++) expect((await pool.claim({}, { key })).body).toMatchObject({ code: 'POOL_EMPTY' })
    await seedReady(pool, 4)
    const headers = { 'idempotency-key': 'once' }
    const first = await pool.claim({}, { key, headers })
    expect((await pool.claim({}, { key })).status).toBe(200)
    for (let n = 0; n < 2; n++) {
      const refused = await pool.claim({}, { key })
      expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(80_000)
    }
    expect((await pool.claim({}, { key, headers })).body).toEqual(first.body)
    expect(await pool.claim({ agentName: 'another' }, { key, headers })).toMatchObject({ status: 409 })
  })

  test('are for the sessions made from it as well', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    const { key } = await makeKey(pool, { claimsPerMinute: 1 })
    const { cookie } = await login(pool, { key })
    expect((await pool.claim({}, { key })).status).toBe(200)
    expect((await pool.claim({}, { key: null, headers: { ...page, cookie } })).status).toBe(429)
  })

  test('end its claims for a while when they have spoilt more than three instances within an hour', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 6)
    const { onConfigure } = pool.services
    pool.services.onConfigure = () => {
      throw new Problem({ status: 502, code: 'INSTANCE_FAILED', detail: 'the box is broken' })
    }
    const { key } = await makeKey(pool)
    // three are not more than three
    for (let n = 0; n < 2; n++)
      expect(await pool.claim({}, { key })).toMatchObject({ status: 502, body: { code: 'CLAIM_FAILED' } })
    pool.services.onConfigure = onConfigure
    await seedReady(pool, 2)
    const refused = await pool.claim({}, { key })
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500)
    expect((await pool.claim()).status).toBe(200)
    await pool.database.moveClock(3_600_001)
    // connections that the move of the clock has cut may cost an answer or two
    await eventually('the hour to be over', async () => (await pool.claim({}, { key })).status !== 429)
  })
})

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { apiApp, createLogger, listen } from '@convos/kit'
import { eventually, scoped, temporaryFolder } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { configured } from './fake-services.ts'
import { dashboard } from '../src/routes/dashboard.ts'
import { PUBLIC_URL, seedReady, testPool } from './harness.ts'
import { listenTo } from './listen.ts'

describe('the pool key', () => {
  test('two values are accepted while one replaces the other', async () => {
    const [older, newer] = ['pool-key-older-00000', 'pool-key-newer-00000']
    const pool = scoped(await testPool({ env: { POOL_API_KEY: `${older},${newer}` } }))
    for (const key of [older, newer]) expect((await pool.call('GET', '/api/pool/status', { key })).status).toBe(200)
    expect((await pool.call('GET', '/api/pool/status')).status).toBe(401)
  })
})

describe('answers', () => {
  test('an unknown path of the API is a JSON 404, never a page', async () => {
    const pool = scoped(await testPool())
    for (const path of ['/api', '/api/', '/api/nothing', '/api/pool/nothing']) {
      const answer = await pool.call('GET', path)
      expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', title: 'Not Found', type: 'about:blank' } })
      expect(answer.headers.get('content-type')).toMatch('application/problem+json')
      expect(answer.headers.get('x-request-id')).toBe(answer.body['requestId'])
    }
  })

  test('a body that is not JSON is a 400, one that is too large a 413', async () => {
    const pool = scoped(await testPool())
    const raw = (body: string) =>
      fetch(`${pool.url}/api/claim`, {
        method: 'POST',
        headers: { authorization: `Bearer ${pool.key}`, 'content-type': 'application/json' },
        body,
      })
    expect((await raw('{')).status).toBe(400)
    expect((await raw(JSON.stringify({ instructions: 'x'.repeat(300_000) }))).status).toBe(413)
  })

  test('a body that is not said to be JSON is refused, not passed over', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const body = JSON.stringify({ agentName: 'mine' })
      const headers = { authorization: `Bearer ${pool.key}`, 'content-type': type }
      const answer = await fetch(`${pool.url}/api/claim`, { method: 'POST', headers, body })
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([415, 'JSON_REQUIRED'])
    }
    expect((await pool.call('GET', '/api/pool/status')).body).toMatchObject({
      counts: { idle: 1, claimed: 0 },
      byStatus: { ready: 1 },
    })
  })

  test('long lists are compressed for whoever takes them so, and nothing that holds a secret is', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 40)
    const encodingOf = async (method: string, path: string, accept: string, body?: unknown) => {
      const answer = await pool.call(method, path, { headers: { 'accept-encoding': accept }, body })
      expect(answer.status).toBeLessThan(300)
      return answer.headers.get('content-encoding')
    }
    for (const path of ['/api/pool/status', '/api/pool/instances?limit=40', '/api/pool/activity', '/api/pool/stats']) {
      const plain = await pool.call('GET', path, { headers: { 'accept-encoding': 'identity' } })
      expect([path, plain.headers.get('content-encoding'), plain.headers.get('vary')]).toEqual([path, null, 'Accept-Encoding'])
      expect([path, await encodingOf('GET', path, 'gzip'), await encodingOf('GET', path, 'gzip, br')]).toEqual([
        path,
        'gzip',
        'br',
      ])
    }
    const packed = await pool.call('GET', '/api/pool/instances?limit=40', { headers: { 'accept-encoding': 'gzip' } })
    expect(packed.body['instances']).toHaveLength(40)
    expect(packed.headers.get('cache-control')).toBe('no-store')
    // what is short is not worth it
    expect(await encodingOf('GET', '/api/pool/instances?limit=1', 'gzip')).toBe(null)

    const long = 'x'.repeat(5_000)
    expect(await encodingOf('POST', '/api/pool/claim', 'gzip', { agentName: 'mine', instructions: long })).toBe(null)
    expect(await encodingOf('POST', '/api/session/codes', 'gzip')).toBe(null)
    expect(await encodingOf('GET', '/api/pool/activity?format=jsonl', 'gzip')).toBe(null)
    const stream = scoped(await listenTo(pool))
    expect(stream.headers.get('content-encoding')).toBe(null)
  })

  test('what the database could not hold is a fault of the request', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    for (const body of [{ instructions: 'a\0b' }, { model: 'a\0b' }, { agentName: 'a\0b' }])
      expect(await pool.claim(body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    for (const path of ['claims/a%00b', 'instances/a%00b', 'operations/a%00b'])
      expect(await pool.call('GET', `/api/pool/${path}`)).toMatchObject({ status: 400 })
    expect(await pool.call('POST', '/api/pool/drain', { body: { ids: ['a\0b'] } })).toMatchObject({ status: 400 })
    const headers = { 'idempotency-key': 'k'.repeat(129) }
    expect(await pool.claim({}, { headers })).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    expect((await pool.claim({}, { headers: { 'idempotency-key': 'k'.repeat(128) } })).status).toBe(200)
  })

  test('drain needs exactly one of count, ids, all', async () => {
    const pool = scoped(await testPool())
    for (const body of [{}, { count: 1, all: true }, { refill: true }])
      expect(await pool.call('POST', '/api/pool/drain', { body })).toMatchObject({
        status: 400,
        body: { code: 'INVALID_REQUEST' },
      })
  })

  test('the public sees counts and agents without what lets one in; operators see the rest', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    await pool.claim({ agentName: 'seen' })
    const counts = { provisioning: 0, idle: 1, claimed: 1, crashed: 0, stuck: 0 }
    await eventually('the counts', async () => (await pool.call('GET', '/api/pool/counts', { key: null })).body['claimed'] === 1)
    expect((await pool.call('GET', '/api/pool/counts', { key: null })).body).toEqual(counts)
    const seen = await pool.call('GET', '/api/pool/agents', { key: null })
    expect(seen.body).toMatchObject({ claimed: [{ agentName: 'seen', status: 'claimed' }], crashed: [] })
    expect(seen.text).not.toMatch(/inviteUrl|conversation/)
    expect((await pool.call('GET', '/api/pool/agents')).text).toMatch(/"inviteUrl":"https/)
  })

  test('names are hidden from the public where that is configured', async () => {
    const pool = scoped(await testPool({ env: { POOL_PUBLIC_AGENTS: 'off' } }))
    await seedReady(pool, 1)
    await pool.claim({ agentName: 'hidden' })
    const seen = await pool.call('GET', '/api/pool/agents', { key: null })
    expect(seen.body).toMatchObject({ claimed: [{ agentName: null }] })
  })

  test('any number of readers of counts ask neither services nor, at the same moment, the database twice', async () => {
    const pool = scoped(
      await testPool({
        env: { TICK_INTERVAL_MS: '600000' },
        limits: { readyPollMs: 600_000, changesWaitMs: 25_000 },
      }),
    )
    let seen = 0
    await eventually(
      'a quiet start',
      () => {
        const isQuiet = pool.services.calls.length === seen && pool.services.called(/changes/).length >= 2
        seen = pool.services.calls.length
        return isQuiet
      },
      { everyMs: 200 },
    )
    const before = pool.services.calls.length
    await Promise.all(Array.from({ length: 50 }, () => pool.call('GET', '/api/pool/counts', { key: null })))
    expect(pool.services.calls.length).toBe(before)
  })

  test('readyz says what is missing; healthz only that the process lives', async () => {
    const pool = scoped(await testPool({ limits: { readyCacheMs: 0 } }))
    expect(await pool.call('GET', '/readyz', { key: null })).toMatchObject({ status: 200, body: { ok: true } })
    await pool.services.close()
    expect(await pool.call('GET', '/readyz', { key: null })).toMatchObject({
      status: 503,
      body: { ok: false, checks: { database: true, services: false } },
    })
    expect(await pool.call('GET', '/healthz', { key: null })).toMatchObject({ status: 200, body: { ok: true } })
    expect((await pool.call('GET', '/version', { key: null })).body).toMatchObject({ environment: 'dev' })
  })

  test('a pool of another environment than its services is not ready', async () => {
    const pool = scoped(await testPool({ env: { POOL_ENVIRONMENT: 'staging' } }))
    expect((await pool.call('GET', '/readyz', { key: null })).body).toMatchObject({ checks: { services: false } })
  })

  test('metrics need their own token', async () => {
    const token = 'metrics-token-000000'
    const pool = scoped(await testPool({ env: { METRICS_TOKEN: token } }))
    expect((await pool.call('GET', '/metrics')).status).toBe(401)
    expect((await pool.call('GET', '/metrics', { key: token })).text).toMatch(
      /pool_instances\{status="ready",service="pool",environment="dev"\} 0/,
    )
  })
})

test('operators are told which builds work together; services may be silent', async () => {
  const pool = scoped(await testPool())
  const { body } = await pool.call('GET', '/api/pool/versions')
  expect(body).toMatchObject({
    pool: { version: expect.any(String), commit: 'unknown', schema: expect.stringMatching(/^\d{4}_\w+\.sql$/) },
    services: { commit: 'services-commit', schema: '0001_services.sql' },
  })
  await pool.services.close()
  expect(await pool.call('GET', '/api/pool/versions')).toMatchObject({ status: 200, body: { services: null } })
})

describe('sessions', () => {
  const page = { origin: PUBLIC_URL, 'content-type': 'application/json' }
  const cookieOf = (answer: { headers: Headers }) => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''

  test('a key becomes a cookie that the page cannot read, works like the key, and ends at logout', async () => {
    const pool = scoped(await testPool())
    const login = await pool.call('POST', '/api/session', { key: null, headers: page, body: { key: pool.key } })
    expect(login).toMatchObject({
      status: 201,
      body: { role: 'operator', environment: 'dev', principal: 'key:pool', keyName: null },
    })
    expect(login.headers.get('set-cookie')).toMatch(
      /^convos_session=[\w-]{43}; Max-Age=43200; Path=\/; .*HttpOnly; SameSite=Strict$/,
    )
    const cookie = cookieOf(login)
    expect((await pool.call('GET', '/api/session', { key: null, headers: { cookie } })).body).toMatchObject({ role: 'operator' })
    expect((await pool.call('GET', '/api/pool/status', { key: null, headers: { cookie } })).status).toBe(200)
    const { rows } = await pool.db.query<{ text: string }>({ text: 'select sessions::text as text from sessions' })
    expect(rows[0]?.text).not.toContain(cookie.split('=')[1])
    expect((await pool.call('DELETE', '/api/session', { key: null, headers: { ...page, cookie } })).status).toBe(204)
    expect((await pool.call('GET', '/api/session', { key: null, headers: { cookie } })).status).toBe(401)
  })

  test('a write with the cookie must come from our own page, as JSON', async () => {
    const pool = scoped(await testPool())
    const cookie = cookieOf(await pool.call('POST', '/api/session', { key: null, headers: page, body: { key: pool.key } }))
    const write = (headers: Record<string, string>) =>
      pool.call('POST', '/api/pool/replenish', { key: null, headers: { cookie, ...headers }, body: {} })
    expect((await write(page)).status).toBe(202)
    expect(await write({ origin: 'https://evil.example' })).toMatchObject({ status: 403, body: { code: 'BAD_ORIGIN' } })
    expect(await write({ 'content-type': 'application/json' })).toMatchObject({ status: 403, body: { code: 'BAD_ORIGIN' } })
    expect(await write({ ...page, 'content-type': 'text/plain' })).toMatchObject({ status: 415, body: { code: 'JSON_REQUIRED' } })
  })

  test('a login code works once, and not after its time', async () => {
    const pool = scoped(await testPool())
    const code = async () => (await pool.call('POST', '/api/session/codes')).body['loginCode']
    const use = async (loginCode: unknown) =>
      (await pool.call('POST', '/api/session', { key: null, headers: page, body: { loginCode } })).status
    const once = await code()
    expect([await use(once), await use(once), await use('nonsense')]).toEqual([201, 401, 401])
    const late = await code()
    await pool.database.moveClock(600_001)
    await eventually('the database to be back', async () => (await pool.call('GET', '/healthz')).status === 200)
    // connections that the move of the clock has cut may cost an answer or two
    const answers: number[] = []
    await eventually('the late code to be refused', async () => answers.push(await use(late)) > 0 && answers.at(-1) === 401)
    expect(answers).not.toContain(201)
  })

  test('a session dies with the key it was made from', async () => {
    const pool = scoped(await testPool())
    const cookie = cookieOf(await pool.call('POST', '/api/session', { key: null, headers: page, body: { key: pool.key } }))
    pool.ctx.config.apiKeys = [`pool-key-${crypto.randomUUID()}`]
    expect((await pool.call('GET', '/api/session', { key: null, headers: { cookie } })).status).toBe(401)
  })

  test('on https the cookie is bound to the host', async () => {
    const pool = scoped(await testPool({ env: { POOL_PUBLIC_URL: 'https://pool.example' } }))
    const headers = { ...page, origin: 'https://pool.example' }
    const login = await pool.call('POST', '/api/session', { key: null, headers, body: { key: pool.key } })
    expect(login.headers.get('set-cookie')).toMatch(/^__Host-convos_session=.*Secure/)
  })

  test('after ten tries a minute an address has to wait', async () => {
    const pool = scoped(await testPool())
    const attempt = () => pool.call('POST', '/api/session', { key: null, headers: page, body: { key: 'guess' } })
    const tries = await Promise.all(Array.from({ length: 11 }, attempt))
    expect(tries.map((t) => t.status).filter((status) => status === 401)).toHaveLength(10)
    const refused = tries.find((t) => t.status === 429)
    expect(refused?.body).toMatchObject({ code: 'RATE_LIMITED' })
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('the dashboard', () => {
  test('without a build says how to build it; with one serves its page on client routes, and nothing below /api', async () => {
    // a checkout may lie anywhere, below a hidden folder too
    const dist = scoped(temporaryFolder('.dashboard')).path
    const routes = [dashboard(dist)]
    const { port, close } = await listen(apiApp({ log: createLogger('test', 'silent'), routes }), 0, '127.0.0.1')
    const get = async (path: string) => {
      const res = await fetch(`http://127.0.0.1:${port}${path}`)
      return {
        status: res.status,
        text: await res.text(),
        cache: res.headers.get('cache-control'),
        policy: res.headers.get('content-security-policy'),
      }
    }
    expect((await get('/')).text).toMatch('dashboard:build')
    await mkdir(join(dist, 'assets'))
    await writeFile(join(dist, 'index.html'), '<!doctype html>the page')
    await writeFile(join(dist, 'assets', 'app-1a2b.js'), 'export {}')
    for (const path of ['/', '/login', '/instances/abc']) {
      expect(await get(path)).toMatchObject({ status: 200, text: '<!doctype html>the page', cache: 'no-store' })
      expect((await get(path)).policy).not.toMatch(/unsafe/)
    }
    expect(await get('/assets/app-1a2b.js')).toMatchObject({ status: 200, cache: 'public, max-age=31536000, immutable' })
    // what the build says that a page begins with is named with it, and who is looking with that
    await writeFile(join(dist, 'preloads.json'), JSON.stringify({ '/pool': ['/assets/pool-3c4d.js', '/assets/app-5e6f.css'] }))
    const linkOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).headers.get('link')
    expect(await linkOf('/pool')).toBe(
      [
        '</assets/pool-3c4d.js>; rel=modulepreload',
        '</assets/app-5e6f.css>; rel=preload; as=style',
        '</api/session>; rel=preload; as=fetch; crossorigin',
      ].join(', '),
    )
    expect(await linkOf('/login')).toBeNull()
    // what the build packed goes to those who take it so, under its own type
    await writeFile(join(dist, 'assets', 'app-1a2b.js.gz'), gzipSync('export {} // packed'))
    const script = async (accept: string) => {
      const res = await fetch(`http://127.0.0.1:${port}/assets/app-1a2b.js`, { headers: { 'accept-encoding': accept } })
      return [res.headers.get('content-encoding'), res.headers.get('content-type'), res.headers.get('vary'), await res.text()]
    }
    const type = 'text/javascript; charset=utf-8'
    expect(await script('gzip, br')).toEqual(['gzip', type, 'Accept-Encoding', 'export {} // packed'])
    expect(await script('identity')).toEqual([null, type, 'Accept-Encoding', 'export {}'])
    for (const path of ['/assets/old.js', '/api/nothing', '/robots.txt', '/..%2f..%2fetc%2fpasswd.txt', '/.env'])
      expect((await get(path)).status).toBe(404)
    await close(0)
  })
})

test('no secret is in any served byte or log line, but a gateway token in its claimer’s answer', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
  const [, failing = ''] = await seedReady(pool, 3)
  const { onConfigure } = pool.services
  pool.services.onConfigure = async (id, body) => {
    const reply = await onConfigure(id, body)
    // an answer of the wrong shape, token and all, becomes an error that is logged
    return id === failing ? ({ ...reply, ok: 'no' } as never) : reply
  }
  const claims = [await pool.claim(), await pool.claim(), await pool.claim()]
  const login = await pool.call('POST', '/api/session', { key: null, body: { key: pool.key } })
  const { body: code } = await pool.call('POST', '/api/session/codes')
  const session = /=([^;]+)/.exec(login.headers.get('set-cookie') ?? '')?.[1] ?? ''
  const paths = [
    '/',
    '/api/pool/status',
    '/api/pool/agents',
    '/api/pool/counts',
    '/api/pool/operations',
    '/readyz',
    '/version',
    '/nothing',
  ]
  const ids = claims.flatMap((claim) => (claim.status === 200 ? [String(claim.body['instanceId'])] : []))
  const served = await Promise.all(
    [...paths, ...ids.map((id) => `/api/pool/instances/${id}`)].map((path) => pool.call('GET', path)),
  )
  const bytes = [...served.map((answer) => `${answer.text}${JSON.stringify([...answer.headers])}`), ...pool.logged].join('\n')

  expect(pool.services.tokens.length).toBeGreaterThan(0)
  const secrets = [
    pool.key,
    pool.services.apiKey,
    session,
    String(code['loginCode']),
    ...pool.ctx.secrets,
    ...pool.services.tokens,
  ]
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(10)
    expect(bytes).not.toContain(secret)
  }
})

test('shutting down: who waits is told to come back, what runs is finished, and readiness ends first', async () => {
  const pool = scoped(await testPool())
  await seedReady(pool, 1)
  const held = Promise.withResolvers<void>()
  pool.services.onConfigure = async (id, body) => {
    await held.promise
    return configured(pool.services, id, body)
  }
  const working = pool.claim()
  await eventually('the configure', () => pool.services.called(/configure/).length === 1)
  const waiting = pool.claim({ waitMs: 30_000 })
  await eventually('the other to wait', async () => {
    const { rows } = await pool.db.query({ text: `select 1 from claims where state = 'queued'` })
    return rows.length === 1
  })
  const stopped = pool.parts.stop()
  const told = await waiting
  expect(told).toMatchObject({ status: 503, body: { code: 'SHUTTING_DOWN' } })
  expect(told.headers.get('retry-after')).toBe('1')
  expect(await pool.call('GET', '/readyz')).toMatchObject({ status: 503, body: { stopping: true } })
  expect(await pool.claim()).toMatchObject({ status: 503, body: { code: 'SHUTTING_DOWN' } })
  held.resolve()
  expect((await working).body).toMatchObject({ status: 'done' })
  await stopped
})

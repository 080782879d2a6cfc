import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { insertClaim } from '../src/db/claims.ts'
import { insertTemplate } from '../src/db/templates.ts'
import { newInstanceId } from '../src/naming.ts'
import { detailOf, healthOf, problem } from './fake-services.ts'
import {
  reserveNext,
  type Answer,
  seedReady,
  seedRows,
  statusOf,
  testDatabase,
  type TestPool,
  testPool,
  waitForLock,
} from './harness.ts'
import { makeKey } from './keys.ts'
import { newWallet, signFor } from './owners.ts'

const DEADLINES = { createMs: 30_000, joinMs: 20_000, leaseExtraMs: 15_000 }
/** Looks often, and answers at once who waits to be let in. */
const BRISK = { env: { TICK_INTERVAL_MS: '100' }, limits: { claimJoinMs: 600, anotherBoxJoinMs: 100, innerReserveMs: 100 } }
const BAD_SIGNATURE = { status: 401, body: { code: 'BAD_SIGNATURE' } }
const USED = { status: 401, body: { code: 'BAD_SIGNATURE', detail: expect.stringContaining('was used') } }
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()

/** The fields of a claim's body with which an owner is proven. */
async function proof(pool: TestPool, wallet = newWallet()) {
  const { nonce: _, ...body } = await signFor(pool, wallet)
  return body
}
const instance = async (pool: TestPool, id: unknown) => (await pool.call('GET', `/api/pool/instances/${String(id)}`)).body
const used = async (pool: Pick<TestPool, 'db'>) =>
  (await pool.db.query<{ nonce: string; claim_id: string }>('select nonce, claim_id from used_nonces')).rows

/** The first answer after the clock was moved, which ends sessions that calls may still be using. */
const onceBack = (call: () => Promise<Answer>) =>
  eventually('an answer', async () => {
    const answer = await call()
    return answer.status === 500 ? null : answer
  })

/** A claim in the queue, whose owner has signed with this nonce. */
const enter = (on: Parameters<typeof insertClaim>[0], id: string, nonce: string | null) => {
  const owner = nonce === null ? null : { address: '0x1', inboxId: null, nonce, nonceExpiresAt: new Date(Date.now() + 600_000) }
  const keys = { id, principal: 'key:test', idemKey: id, bodyHmac: id, joinHash: null, requestId: null }
  return insertClaim(on, { ...keys, mode: 'create', agentName: id, waitMs: 60_000, leaseMs: 60_000, owner })
}

describe('a challenge', () => {
  test('is for everybody, names this pool, and leaves nothing behind', async () => {
    const pool = scoped(await testPool())
    const { status, body, headers } = await pool.call('POST', '/api/pool/claim/challenge', { key: null })
    expect(status).toBe(200)
    expect(body).toEqual({
      nonce: expect.stringMatching(/^[a-z0-9]{64}$/),
      domain: 'localhost:3001',
      uri: 'http://localhost:3001/api/pool/claim',
      chainId: 1,
      expiresAt: expect.stringMatching(/Z$/),
    })
    expect(headers.get('cache-control')).toBe('no-store')
    expect(await used(pool)).toEqual([])
  })
})

describe('an owner', () => {
  test('who is proven shows on the instance, and the box is told', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const wallet = newWallet()
    const { nonce, ...body } = await signFor(pool, wallet)
    const answer = await pool.claim({ ...body, ownerInboxId: 'inbox-1', expiresAt: '2100-01-01T00:00:00+02:00' })
    expect(answer).toMatchObject({ status: 200, body: { status: 'done' } })
    expect(await instance(pool, answer.body['instanceId'])).toMatchObject({
      ownerAddress: wallet.address,
      ownerId: 'inbox-1',
      expiresAt: '2099-12-31T22:00:00.000Z',
    })
    const owner = { address: wallet.address, inboxId: 'inbox-1' }
    expect(pool.services.called(/configure/)[0]?.body).toMatchObject({ owner })
    expect(await used(pool)).toEqual([{ nonce, claim_id: answer.body['claimId'] }])
  })

  test('may be a label alone, and need not be at all', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    const labelled = await pool.claim({ ownerInboxId: 'inbox-1' })
    const nobody = await pool.claim({ expiresAt: null })
    expect(pool.services.called(/configure/).map(({ body }) => (body as { owner: unknown }).owner)).toEqual([
      { address: null, inboxId: 'inbox-1' },
      null,
    ])
    expect(await instance(pool, labelled.body['instanceId'])).toMatchObject({ ownerAddress: null, ownerId: 'inbox-1' })
    expect(await instance(pool, nobody.body['instanceId'])).toMatchObject({ ownerAddress: null, ownerId: null, expiresAt: null })
  })

  test('and an end that are said in another way are a bad request', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const bad: [Record<string, unknown>, string][] = [
      [{ ownerMessage: 'without a signature' }, 'ownerSignature'],
      [{ ownerSignature: '0x1' }, 'ownerSignature'],
      [{ ownerInboxId: 'rings\u0007' }, 'ownerInboxId'],
      [{ expiresAt: 'tomorrow' }, 'expiresAt'],
      [{ expiresAt: '2100-01-01T00:00:00' }, 'expiresAt'],
      [{ expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ]
    for (const [body, path] of bad)
      expect(await pool.claim(body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_REQUEST', errors: [{ path }] },
      })
  })

  test('is not proven to another pool, nor by another signature, nor by no signature at all', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const wallet = newWallet()
    const { nonce: _, ...elsewhere } = await signFor(pool, wallet, { domain: 'other.example' })
    expect(await pool.claim(elsewhere)).toMatchObject(BAD_SIGNATURE)
    const { ownerMessage } = await proof(pool, wallet)
    for (const ownerSignature of [(await proof(pool)).ownerSignature, '0x', 'none'])
      expect(await pool.claim({ ownerMessage, ownerSignature })).toMatchObject(BAD_SIGNATURE)
    expect(pool.services.called(/configure/)).toEqual([])
    expect((await pool.db.query('select id from claims')).rows).toEqual([])
  })

  test('is looked at after the template, and before credentials are tried', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const model = { default: null, allow_override: true }
    const tools = [{ id: 'sms', provisioning: 'user' as const }]
    const content = { agentName: 'a', instructions: 'i', model, tools, visibility: 'private' as const }
    await insertTemplate(pool.db, { id: 'tpl_1', creator: 'key:pool', content })
    const bad = { ownerMessage: 'm', ownerSignature: '0x1', userConfig: { sms: { telnyxApiKey: 'k', telnyxPhone: '+1' } } }
    expect((await pool.claim({ ...bad, templateId: 'tpl_2' })).body['code']).toBe('TEMPLATE_NOT_FOUND')
    expect(await pool.claim({ ...bad, templateId: 'tpl_1' })).toMatchObject(BAD_SIGNATURE)
    const good = await proof(pool)
    expect((await pool.claim(good)).status).toBe(200)
    expect(await pool.claim({ ...bad, ...good, templateId: 'tpl_1' })).toMatchObject(USED)
    expect(pool.services.called(/validate/)).toEqual([])
  })

  test('is proven by a challenge from before a secret was replaced', async () => {
    const pool = scoped(await testPool({ env: { POOL_SECRET: 'an-older-secret-0' } }))
    await seedReady(pool, 1)
    const body = await proof(pool)
    Object.assign(pool.ctx, { secrets: ['a-newer-secret-00', 'an-older-secret-0'] })
    expect((await pool.claim(body)).status).toBe(200)
    const late = await proof(pool)
    Object.assign(pool.ctx, { secrets: ['the-newest-secret'] })
    expect(await pool.claim(late)).toMatchObject(BAD_SIGNATURE)
  })

  test('has ten minutes, by the database’s clock', async () => {
    const pool = scoped(await testPool())
    const body = await proof(pool)
    await pool.database.moveClock(600_000)
    expect(await onceBack(() => pool.claim(body))).toMatchObject(BAD_SIGNATURE)
  })

  test('leaves no signature and no message in any row or log line', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const bodies = [await proof(pool), await proof(pool), await proof(pool)]
    const [first = bodies[0], second, third] = bodies
    const forged = { ...second, ownerSignature: third?.ownerSignature }
    const answers = [await pool.claim(first), await pool.claim(forged), await pool.claim(third)]
    expect(answers.map((answer) => answer.status)).toEqual([200, 401, 503])
    const { rows } = await pool.db.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public'`,
    )
    const stored = await Promise.all(rows.map(async ({ name }) => (await pool.db.query(`select t::text from ${name} t`)).rows))
    const bytes = [...answers.map((answer) => answer.text), ...pool.logged, JSON.stringify(stored)].join('\n')
    expect(bytes).toContain(String(answers[0]?.body['claimId']))
    for (const { ownerSignature } of bodies) expect(bytes).not.toContain(ownerSignature.slice(2, 40))
    expect(bytes).not.toContain('wants you to sign in')
  })
})

describe('a nonce', () => {
  test('is good for one claim: after it, and while it is under way', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    const body = await proof(pool)
    expect((await pool.claim(body)).status).toBe(200)
    expect(await pool.claim(body)).toMatchObject(USED)
    expect(await pool.claim({ ...body, agentName: 'another' })).toMatchObject(USED)
    const { key } = await makeKey(pool)
    expect(await pool.claim(body, { key })).toMatchObject(USED)
    await enter(pool.db, 'queued', 'n'.repeat(64))
    expect(await enter(pool.db, 'another', 'n'.repeat(64))).toBe(false)
  })

  test('of a claim that is repeated is that claim’s, at any time', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const headers = { 'idempotency-key': 'once' }
    const body = await proof(pool)
    const first = await pool.claim(body, { headers })
    // the same signature, written in another way
    const again = { ...body, ownerSignature: `0x${body.ownerSignature.slice(2).toUpperCase()}`, waitMs: 1 }
    expect((await pool.claim(again, { headers })).body).toMatchObject({ claimId: first.body['claimId'] })
    const conflict = { status: 409, body: { code: 'IDEMPOTENCY_CONFLICT' } }
    expect(await pool.claim({ ...body, expiresAt: inAnHour() }, { headers })).toMatchObject(conflict)
    expect(await pool.claim(await proof(pool), { headers })).toMatchObject(conflict)
    await pool.database.moveClock(3_600_000)
    const late = await onceBack(() => pool.claim(body, { headers }))
    expect(late.body).toMatchObject({ claimId: first.body['claimId'] })
  })

  test('of a claim that is sent twice at once is that claim’s', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    const body = await proof(pool)
    const twice = await withTransaction(pool.db, async (tx) => {
      await tx.query('lock table claims in share row exclusive mode')
      const asked = [1, 2].map(() => pool.claim(body, { headers: { 'idempotency-key': 'once' } }))
      await waitForLock(pool, 'insert into claims', 2)
      return { asked }
    })
    const [one, other] = await Promise.all(twice.asked)
    expect([one?.status, other?.status]).toEqual([200, 200])
    expect(one?.body['claimId']).toBe(other?.body['claimId'])
  })

  test('stays good where its claim never had a box', async () => {
    const pool = scoped(await testPool())
    const body = await proof(pool)
    expect(await pool.claim(body)).toMatchObject({ status: 503, body: { code: 'POOL_EMPTY' } })
    const waiting = pool.claim({ ...body, waitMs: 60_000 }, { headers: { 'idempotency-key': 'k' } })
    const queued = await eventually('it to wait', async () => {
      const { rows } = await pool.db.query<{ id: string }>(`select id from claims where state = 'queued'`)
      return rows[0]?.id
    })
    await pool.call('DELETE', `/api/pool/claims/${queued}`)
    expect((await waiting).body['code']).toBe('CLAIM_CANCELLED')
    expect(await used(pool)).toEqual([])
    await seedReady(pool, 1)
    expect((await pool.claim(body)).status).toBe(200)
  })

  test('is burnt where the claim had a box and failed, and serves the same claim for another box', async () => {
    const pool = scoped(await testPool())
    const [failing] = await seedReady(pool, 2)
    const { onConfigure } = pool.services
    pool.services.onConfigure = (id, body) => {
      if (id === failing) throw problem(502, 'INSTANCE_FAILED', { fault: 'instance' })
      return onConfigure(id, body)
    }
    const answer = await pool.claim(await proof(pool))
    expect(answer).toMatchObject({ status: 200, body: { status: 'done' } })
    expect(answer.body['instanceId']).not.toBe(failing)
    pool.services.onConfigure = () => {
      throw problem(422, 'REFUSED', { fault: 'claim' })
    }
    await seedReady(pool, 1)
    const body = await proof(pool)
    expect((await pool.claim(body)).status).toBe(422)
    // known as it comes in: there is no box left to tell
    expect(await pool.claim(body)).toMatchObject(USED)
  })

  test.each(['commits', 'rolls back'])('of two claims at once is the first one’s, if that one %s', async (how) => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const { nonce, ...body } = await signFor(pool, newWallet())
    const tx = await pool.db.connect()
    await tx.query('begin')
    expect(await enter(tx, 'first', nonce)).toBe(true)
    const second = pool.claim(body)
    await waitForLock(pool, 'insert into claims')
    await tx.query(how === 'commits' ? 'commit' : 'rollback')
    tx.release()
    if (how === 'commits') expect(await second).toMatchObject(USED)
    else expect((await second).status).toBe(200)
  })

  test('that another claim burns at this very moment ends the claim, and the box goes to the next', async () => {
    // without a pool: nobody else matches
    const database = scoped(await testDatabase())
    const { db } = database
    await enter(db, 'late', 'n'.repeat(64))
    await enter(db, 'next', null)
    const id = newInstanceId()
    await seedRows(db, [id])
    const { reserved } = await withTransaction(db, async (tx) => {
      await tx.query(
        `insert into used_nonces (nonce, claim_id, expires_at) values ('${'n'.repeat(64)}', 'other', now() + interval '1 h')`,
      )
      const asked = reserveNext(db, DEADLINES)
      await waitForLock(database, 'with room as')
      return { reserved: asked }
    })
    expect(await reserved).toMatchObject({ claimId: 'next', instanceId: id })
    const { rows } = await db.query(`select state, error ->> 'code' as code, idem_key from claims where id = 'late'`)
    expect(rows).toEqual([{ state: 'failed', code: 'BAD_SIGNATURE', idem_key: null }])
    expect(await used(database)).toMatchObject([{ claim_id: 'other' }])
  })

  test('that was burnt while its claim waited is told to its caller, and whoever waits behind is served', async () => {
    const pool = scoped(await testPool())
    const { nonce, ...body } = await signFor(pool, newWallet())
    const waiting = pool.claim({ ...body, waitMs: 60_000 })
    await eventually(
      'it to wait',
      async () => (await pool.db.query(`select 1 from claims where state = 'queued'`)).rowCount === 1,
    )
    await pool.db.query({
      text: `insert into used_nonces (nonce, claim_id, expires_at) values ($1, 'other', now() + interval '1 h')`,
      values: [nonce],
    })
    const behind = pool.claim({ waitMs: 60_000 })
    await seedReady(pool, 1)
    expect(await waiting).toMatchObject(USED)
    expect((await behind).status).toBe(200)
  })

  test('is not burnt by a look at the queue that finds no box', async () => {
    const database = scoped(await testDatabase())
    await enter(database.db, 'waits', 'n'.repeat(64))
    expect(await reserveNext(database.db, DEADLINES)).toBeNull()
    expect(await used(database)).toEqual([])
  })
})

describe('a box that goes back', () => {
  test('has no owner and no end any more', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    const held = Promise.withResolvers<void>()
    const model = { default: null, allow_override: true }
    const tools = [{ id: 'email', provisioning: 'pool' as const }]
    const content = { agentName: 'a', instructions: 'i', model, tools, visibility: 'private' as const }
    await insertTemplate(pool.db, { id: 'tpl_1', creator: 'key:pool', content })
    pool.services.onProvision = async () => {
      await held.promise
      throw problem(502, 'PROVIDER_FAILED')
    }
    const terms = { ownerInboxId: 'inbox-1', expiresAt: inAnHour(), templateId: 'tpl_1' }
    const claim = pool.claim({ ...(await proof(pool)), ...terms })
    await eventually('the tools to be asked for', () => pool.services.called(/provision/).length === 1)
    expect(await instance(pool, id)).toMatchObject({ status: 'claiming', ownerId: 'inbox-1', expiresAt: terms.expiresAt })
    held.resolve()
    expect((await claim).status).toBe(503)
    expect(await instance(pool, id)).toMatchObject({ status: 'ready', ownerId: null, ownerAddress: null, expiresAt: null })
  })
})

describe('an agent whose time is over', () => {
  const claim = async (pool: TestPool, body: Record<string, unknown> = {}) =>
    String((await pool.claim({ expiresAt: inAnHour(), ...body })).body['instanceId'])

  test('goes, be it claimed, pending or crashed; a protected one and one without an end stay', async () => {
    const pool = scoped(await testPool(BRISK))
    await seedReady(pool, 5)
    const claimed = await claim(pool)
    const pending = await claim(pool, { joinUrl: 'https://dev.convos.org/v2?i=1' })
    const crashed = await claim(pool)
    const kept = await claim(pool)
    const endless = await claim(pool, { expiresAt: null })
    expect(await statusOf(pool.db, pending)).toBe('pending')
    pool.services.set(crashed, detailOf('absent'))
    await eventually('it to crash', async () => (await statusOf(pool.db, crashed)) === 'crashed')
    await pool.db.query({ text: 'update instances set protected = true where id = $1', values: [kept] })
    await pool.database.moveClock(3_601_000)
    for (const id of [claimed, pending, crashed])
      await eventually('it to be gone', async () => (await statusOf(pool.db, id)) === null)
    expect([await statusOf(pool.db, kept), await statusOf(pool.db, endless)]).toEqual(['claimed', 'claimed'])
    const { rows } = await pool.db.query(`select type, reason from instance_events where to_status = 'deleting'`)
    const ended = { type: 'expired', reason: 'its time is over' }
    expect(rows).toEqual([ended, ended, ended])
  })

  test('stays where its box turns out to be another claim’s: the date was not set for that one', async () => {
    const pool = scoped(await testPool({ ...BRISK, limits: { maxTainted: 1 } }))
    await seedReady(pool, 2)
    const found = await claim(pool)
    const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId: 'theirs' })
    pool.services.set(found, { health })
    await eventually('it to be found out', async () => (await statusOf(pool.db, found)) === 'crashed')
    pool.services.onConfigure = () => {
      throw problem(409, 'FOREIGN_CLAIM')
    }
    await pool.claim({ expiresAt: inAnHour() })
    const { rows } = await pool.db.query('select status, expires_at from instances')
    const spared = { status: 'crashed', expires_at: null }
    expect(rows).toEqual([spared, spared])
  })
})

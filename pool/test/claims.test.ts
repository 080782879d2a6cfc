import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { configured, detailOf, healthOf, problem } from './fake-services.ts'
import { type Answer, countRows, seedReady, statusOf, testPool } from './harness.ts'
import { makeKey } from './keys.ts'

const INVITE = 'https://dev.convos.org/v2?i=invite-1'
/** The caller of a join is answered soon, whether or not it was let in. */
const SHORT_JOIN = { claimJoinMs: 500, anotherBoxJoinMs: 0, innerReserveMs: 0 }
const key = (name: string) => ({ headers: { 'idempotency-key': name } })
const statuses = (answers: Answer[]) => answers.map((a) => a.status)
/** A promise and its key: what holds a fake call until the test lets it go. */
const barrier = () => Promise.withResolvers<void>()

describe('a claim', () => {
  test('is answered with the agent, its invite and its gateway, and the box is told who it is', async () => {
    const pool = scoped(await testPool())
    const [id] = await seedReady(pool, 1)
    const answer = await pool.claim({ agentName: 'tokyo-planner', instructions: 'Plan trips.', model: 'some/model' })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      status: 'done',
      instanceId: id,
      conversationId: `conversation-${id}`,
      inviteUrl: `https://dev.convos.org/v2?i=${id}`,
      joined: false,
      gatewayUrl: `http://${id}.test`,
      gatewayToken: `gateway-token-of-${id}`,
      agentName: 'tokyo-planner',
      error: null,
    })
    expect(pool.services.called(/configure/)[0]?.body).toMatchObject({
      claimId: answer.body['claimId'],
      agentName: 'tokyo-planner',
      instructions: 'Plan trips.',
      model: 'some/model',
      joinUrl: null,
    })
    expect(await statusOf(pool.db, id ?? '')).toBe('claimed')
  })

  test('needs no body, and the alias does the same', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    expect((await pool.call('POST', '/api/pool/claim')).body).toMatchObject({ status: 'done', agentName: 'Assistant' })
    expect((await pool.call('POST', '/api/claim')).body).toMatchObject({ status: 'done' })
  })

  test('50 at once over 10 ready instances: exactly 10 get one, each its own, and 40 hear when to come back', async () => {
    const pool = scoped(await testPool())
    const ids = await seedReady(pool, 10)
    const answers = await Promise.all(Array.from({ length: 50 }, () => pool.claim()))
    const won = answers.filter((a) => a.status === 200)
    const lost = answers.filter((a) => a.status === 503)
    expect(won.map((a) => String(a.body['instanceId'])).toSorted()).toEqual(ids.toSorted())
    expect(lost).toHaveLength(40)
    for (const { body, headers } of lost) {
      expect(body).toMatchObject({ code: 'POOL_EMPTY', queueDepth: expect.any(Number), etaSeconds: expect.any(Number) })
      expect(Number(headers.get('retry-after'))).toBe(body['etaSeconds'])
    }
    expect(await countRows(pool.db, 'claimed')).toBe(10)
  })

  test('that may wait is served by the next instance that turns ready, in the order of arrival', async () => {
    const pool = scoped(await testPool())
    const first = pool.claim({ agentName: 'first', waitMs: 10_000 })
    await eventually('the first to wait', async () => (await waiting(pool)) === 1)
    const second = pool.claim({ agentName: 'second', waitMs: 10_000 })
    await eventually('both to wait', async () => (await waiting(pool)) === 2)
    const [id] = await seedReady(pool, 1)
    expect((await first).body).toMatchObject({ status: 'done', instanceId: id })
    expect(await waiting(pool)).toBe(1)
    await seedReady(pool, 1)
    expect((await second).body).toMatchObject({ status: 'done', agentName: 'second' })
  })

  test('that waited in vain is told so, and leaves nothing', async () => {
    const pool = scoped(await testPool())
    const answer = await pool.claim({ waitMs: 200 })
    expect(answer).toMatchObject({ status: 503, body: { code: 'POOL_EMPTY' } })
    expect(await waiting(pool)).toBe(0)
  })

  test.each([
    ['an unknown field', { nonsense: 1 }, 'INVALID_REQUEST', 'nonsense'],
    ['a control character in the name', { agentName: 'a\u0007b' }, 'INVALID_REQUEST', 'agentName'],
    ['too long instructions', { instructions: 'x'.repeat(64 * 1024 + 1) }, 'INVALID_REQUEST', 'instructions'],
    ['the other network', { joinUrl: 'https://popup.convos.org/v2?i=x' }, 'WRONG_NETWORK', 'joinUrl'],
    ['an origin that is not ours', { joinUrl: 'https://evil.example/v2?i=x' }, 'INVALID_INVITE', 'joinUrl'],
    ['an invite without its token', { joinUrl: 'https://dev.convos.org/v2?i=' }, 'INVALID_INVITE', 'joinUrl'],
    ['another page of the network', { joinUrl: 'https://dev.convos.org/about?i=x' }, 'INVALID_INVITE', 'joinUrl'],
    ['no URL at all', { joinUrl: 'hello' }, 'INVALID_INVITE', 'joinUrl'],
  ])('with %s is refused before anything is reserved', async (_what, body, code, path) => {
    const pool = scoped(await testPool())
    await seedReady(pool, 1)
    const answer = await pool.claim(body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
    expect(answer.body).toMatchObject({ status: 400, code, requestId: expect.any(String) })
    expect(answer.body['errors']).toEqual([{ path, message: expect.any(String) }])
    expect(await countRows(pool.db, 'ready')).toBe(1)
  })

  test('whose client leaves while it waits is cancelled', async () => {
    const pool = scoped(await testPool())
    const leaving = new AbortController()
    const claim = pool.claim({ waitMs: 10_000 }, { signal: leaving.signal })
    await eventually('it to wait', async () => (await waiting(pool)) === 1)
    leaving.abort()
    await expect(claim).rejects.toThrow('aborted')
    await eventually('it to be cancelled', async () => (await claimStates(pool))[0] === 'cancelled')
  })

  test('whose client leaves while its box is configured gives the box up', async () => {
    const pool = scoped(await testPool())
    const [id] = await seedReady(pool, 1)
    const held = barrier()
    pool.services.onConfigure = async (instanceId, body) => {
      await held.promise
      return configured(pool.services, instanceId, body)
    }
    const leaving = new AbortController()
    const claim = pool.claim({}, { signal: leaving.signal })
    await eventually('the configure', () => pool.services.called(/configure/).length === 1)
    leaving.abort()
    await expect(claim).rejects.toThrow('aborted')
    await eventually('pool to notice', () => pool.logged.some((line) => /request (aborted|completed|errored)/.test(line)))
    held.resolve()
    await eventually('it to be given up', async () => (await claimStates(pool))[0] === 'cancelled')
    expect(['stuck', 'deleting', null]).toContain(await statusOf(pool.db, id ?? ''))
  })

  test('that is not done at its deadline is answered 202 and found later', async () => {
    // a negative reserve: the call to the box may outlive the deadline
    const pool = scoped(await testPool({ limits: { claimCreateMs: 300, anotherBoxCreateMs: 0, innerReserveMs: -5_000 } }))
    await seedReady(pool, 1)
    const held = barrier()
    pool.services.onConfigure = async (id, body) => {
      await held.promise
      return configured(pool.services, id, body)
    }
    const answer = await pool.claim()
    expect(answer).toMatchObject({ status: 202, body: { status: 'running', gatewayToken: null } })
    held.resolve()
    const done = await eventually('the claim to be done', async () => {
      const now = await pool.call('GET', `/api/pool/claims/${String(answer.body['claimId'])}`)
      return now.body['status'] === 'done' ? now : null
    })
    expect(done.body['gatewayToken']).toMatch('gateway-token-of-')
  })
})

describe('repeats', () => {
  test('the same key ten times at once is one instance and one answer', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 5)
    const answers = await Promise.all(Array.from({ length: 10 }, () => pool.claim({ agentName: 'one' }, key('k'))))
    expect(statuses(answers)).toEqual(Array(10).fill(200))
    expect(new Set(answers.map((a) => a.body['instanceId'])).size).toBe(1)
    expect(new Set(answers.map((a) => a.body['gatewayToken'])).size).toBe(1)
    expect(await countRows(pool.db, 'ready')).toBe(4)
  })

  test('a repeat in flight at another replica waits like the first and gets the same', async () => {
    const pool = scoped(await testPool())
    const other = scoped(await pool.replica())
    const [id] = await seedReady(pool, 1)
    const held = barrier()
    pool.services.onConfigure = async (instanceId, body) => {
      await held.promise
      return configured(pool.services, instanceId, body)
    }
    const first = pool.claim({}, key('k'))
    await eventually('the configure', () => pool.services.called(/configure/).length === 1)
    const second = other.claim({}, key('k'))
    held.resolve()
    expect((await first).body).toMatchObject({ status: 'done', instanceId: id })
    expect((await second).body).toMatchObject({ status: 'done', instanceId: id, gatewayToken: `gateway-token-of-${id}` })
  })

  test('waiting longer is not another claim; another body is a conflict', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    const first = await pool.claim({ agentName: 'a' }, key('k'))
    const again = await pool.claim({ agentName: 'a', waitMs: 5_000 }, key('k'))
    expect(again.body['claimId']).toBe(first.body['claimId'])
    expect(await pool.claim({ agentName: 'b' }, key('k'))).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_CONFLICT' } })
  })

  test('the same live invite with the same body is the same claim', async () => {
    const pool = scoped(await testPool({ limits: SHORT_JOIN }))
    await seedReady(pool, 2)
    const answers = await Promise.all([pool.claim({ joinUrl: INVITE }), pool.claim({ joinUrl: INVITE })])
    expect(statuses(answers)).toEqual([202, 202])
    expect(new Set(answers.map((a) => a.body['claimId'])).size).toBe(1)
    expect(await countRows(pool.db, 'ready')).toBe(1)
  })

  test('a failed claim releases its key', async () => {
    const pool = scoped(await testPool())
    expect((await pool.claim({}, key('k'))).status).toBe(503)
    await seedReady(pool, 1)
    expect((await pool.claim({}, key('k'))).status).toBe(200)
  })

  test('a claim whose agent was given up has ended', async () => {
    const pool = scoped(await testPool())
    const [id] = await seedReady(pool, 1)
    const first = await pool.claim({}, key('k'))
    const given = await pool.call('DELETE', `/api/pool/claims/${String(first.body['claimId'])}`)
    expect(given.body).toMatchObject({ status: 'ended', gatewayToken: null })
    await eventually('the instance to be gone', async () => (await statusOf(pool.db, id ?? '')) === null)
    expect(await pool.claim({}, key('k'))).toMatchObject({ status: 410, body: { code: 'CLAIM_ENDED' } })
  })

  test('a claim that still waits is cancelled by its claimer, and its place is free', async () => {
    const pool = scoped(await testPool())
    const claim = pool.claim({ waitMs: 10_000 }, key('k'))
    const id = await eventually('it to wait', async () => {
      const { rows } = await pool.db.query<{ id: string }>({ text: `select id from claims where state = 'queued'` })
      return rows[0]?.id
    })
    expect((await pool.call('DELETE', `/api/pool/claims/${id}`)).body).toMatchObject({ status: 'cancelled' })
    expect(await claim).toMatchObject({ status: 409, body: { code: 'CLAIM_CANCELLED' } })
  })
})

describe('a box that fails its claim', () => {
  test('is tainted and replaced; three in a row fail the claim, and none is owned or handed out again', async () => {
    const pool = scoped(await testPool())
    const [bad, good] = await seedReady(pool, 2)
    pool.services.onConfigure = (id, body) => {
      if (id === bad) throw problem(502, 'INSTANCE_FAILED')
      return configured(pool.services, id, body)
    }
    expect((await pool.claim()).body).toMatchObject({ status: 'done', instanceId: good })
    expect(['stuck', 'deleting', null]).toContain(await statusOf(pool.db, bad ?? ''))

    await seedReady(pool, 4)
    pool.services.onConfigure = () => {
      throw problem(502, 'INSTANCE_FAILED')
    }
    expect(await pool.claim()).toMatchObject({ status: 502, body: { code: 'CLAIM_FAILED' } })
    expect([await countRows(pool.db, 'ready'), await countRows(pool.db, 'claiming')]).toEqual([1, 0])
    expect(await countRows(pool.db, 'claimed')).toBe(1)
  })

  test('is not replaced when the claim itself is at fault: its refusal is passed on', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    pool.services.onConfigure = () => {
      throw problem(422, 'MODEL_UNKNOWN')
    }
    expect(await pool.claim()).toMatchObject({ status: 422, body: { code: 'MODEL_UNKNOWN', detail: 'fake MODEL_UNKNOWN' } })
    expect(await countRows(pool.db, 'ready')).toBe(1)
  })

  test('and belongs to a claim that is not known here is kept, as crashed', async () => {
    const pool = scoped(await testPool())
    const [foreign, own] = await seedReady(pool, 2)
    pool.services.onConfigure = (id, body) => {
      if (id === foreign) throw problem(409, 'FOREIGN_CLAIM')
      return configured(pool.services, id, body)
    }
    expect((await pool.claim()).body).toMatchObject({ status: 'done', instanceId: own })
    expect(await statusOf(pool.db, foreign ?? '')).toBe('crashed')
    expect(await eventTypes(pool, foreign ?? '')).toContain('foreign_claim')
  })

  test('and turns out to be somebody’s agent is not the claimer’s to end, and does not bear the claim’s name', async () => {
    const pool = scoped(await testPool())
    const { key: theirs } = await makeKey(pool)
    const [id = ''] = await seedReady(pool, 2)
    pool.services.onConfigure = (instanceId, body) => {
      if (instanceId === id) throw problem(409, 'FOREIGN_CLAIM')
      return configured(pool.services, instanceId, body)
    }
    expect((await pool.claim({ agentName: 'mine' }, { key: theirs })).status).toBe(200)
    expect((await pool.call('GET', `/api/pool/instances/${id}`, { key: theirs })).status).toBe(404)
    expect((await pool.call('DELETE', `/api/pool/instances/${id}`, { key: theirs })).status).toBe(404)
    expect((await pool.call('GET', `/api/pool/instances/${id}`)).body).toMatchObject({
      status: 'crashed',
      agentName: null,
      principal: null,
    })
    expect(pool.services.called(/DELETE .destroy/)).toEqual([])
  })

  test('services that cannot be reached leave the box untouched and ready', async () => {
    const pool = scoped(await testPool({ limits: { reachableForMs: 0 } }))
    const [id] = await seedReady(pool, 1)
    await pool.services.close()
    expect(await pool.claim()).toMatchObject({ status: 503, body: { code: 'SERVICES_UNAVAILABLE' } })
    expect(await statusOf(pool.db, id ?? '')).toBe('ready')
    const { rows } = await pool.db.query({ text: 'select touched_at, claim_id from instances' })
    expect(rows).toEqual([{ touched_at: null, claim_id: null }])
  })

  test('and is killed under its claim ends the claim', async () => {
    const pool = scoped(await testPool())
    const [id] = await seedReady(pool, 1)
    const held = barrier()
    pool.services.onConfigure = async (instanceId, body) => {
      await held.promise
      return configured(pool.services, instanceId, body)
    }
    const claim = pool.claim()
    await eventually('the configure', () => pool.services.called(/configure/).length === 1)
    expect((await pool.call('DELETE', `/api/pool/instances/${id}`)).status).toBe(202)
    held.resolve()
    expect(await claim).toMatchObject({ status: 503, body: { code: 'INSTANCE_LOST' } })
    expect(await countRows(pool.db, 'claimed')).toBe(0)
  })
})

describe('joining', () => {
  test('a claim that is let in while its caller waits is done', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    pool.services.onConfigure = (instanceId, body) => {
      const reply = configured(pool.services, instanceId, body)
      const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId: body.claimId })
      pool.services.set(id, detailOf('healthy', { health }))
      return reply
    }
    expect((await pool.claim({ joinUrl: INVITE })).body).toMatchObject({
      status: 'done',
      joined: true,
      conversationId: 'theirs',
      gatewayToken: `gateway-token-of-${id}`,
    })
  })

  test('a claim that is not let in yet is pending; an admission later completes it', async () => {
    const pool = scoped(await testPool({ limits: SHORT_JOIN }))
    const [id = ''] = await seedReady(pool, 1)
    const answer = await pool.claim({ joinUrl: INVITE })
    expect(answer).toMatchObject({ status: 202, body: { status: 'pending', conversationId: null } })
    const claimId = String(answer.body['claimId'])
    const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId })
    pool.services.set(id, detailOf('healthy', { health }))
    await eventually('the admission', async () => (await statusOf(pool.db, id)) === 'claimed')
    expect((await pool.call('GET', `/api/pool/claims/${claimId}`)).body).toMatchObject({
      status: 'done',
      joined: true,
      conversationId: 'theirs',
    })
  })

  test('a refusal fails the claim once the box confirmed that it is out, and releases the invite', async () => {
    const pool = scoped(await testPool({ limits: SHORT_JOIN }))
    const [id = ''] = await seedReady(pool, 1)
    const { body } = await pool.claim({ joinUrl: INVITE })
    const claimId = String(body['claimId'])
    const { promise: confirmed, resolve: confirm } = Promise.withResolvers<boolean>()
    pool.services.onCancel = () => confirmed
    pool.services.set(id, detailOf('healthy', { health: healthOf({ clean: false, binding: 'refused', claimId }) }))
    await eventually('the withdrawal', () => pool.services.called(/cancel/).length > 0)
    expect(await statusOf(pool.db, id)).toBe('pending')
    confirm(false)
    const claim = await eventually('the claim to fail', async () => {
      const now = await pool.call('GET', `/api/pool/claims/${claimId}`)
      return now.body['status'] === 'failed' ? now.body : null
    })
    expect(claim['error']).toMatchObject({ code: 'NOT_LET_IN' })
    await seedReady(pool, 1)
    expect((await pool.claim({ joinUrl: INVITE })).body['claimId']).not.toBe(claimId)
  })

  test('a failed join takes another box only after the first is known to be out of the conversation', async () => {
    const pool = scoped(await testPool({ limits: { claimJoinMs: 16_000, anotherBoxJoinMs: 1_000 } }))
    const [bad, good] = await seedReady(pool, 2)
    const { promise: confirmed, resolve: confirm } = Promise.withResolvers<boolean>()
    pool.services.onCancel = () => confirmed
    pool.services.onConfigure = (id, body) => {
      if (id === bad) throw problem(504, 'INSTANCE_TIMEOUT')
      const reply = configured(pool.services, id, body)
      const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId: body.claimId })
      pool.services.set(id, detailOf('healthy', { health }))
      return { ...reply, status: 'active', conversationId: 'theirs', joined: true }
    }
    const claim = pool.claim({ joinUrl: INVITE })
    await eventually('the withdrawal', () => pool.services.called(/cancel/).length === 1)
    expect(pool.services.called(/configure/)).toHaveLength(1)
    confirm(false)
    expect((await claim).body).toMatchObject({ status: 'done', instanceId: good, joined: true })
  })

  test('a failed join whose withdrawal finds it joined is done after all', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 2)
    pool.services.onCancel = () => true
    pool.services.onConfigure = (instanceId, { claimId }) => {
      const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId })
      pool.services.set(instanceId, detailOf('healthy', { health }))
      throw problem(504, 'INSTANCE_TIMEOUT')
    }
    expect((await pool.claim({ joinUrl: INVITE })).body).toMatchObject({
      status: 'done',
      instanceId: id,
      conversationId: 'theirs',
      joined: true,
    })
  })
})

type Pool = Awaited<ReturnType<typeof testPool>>

async function claimStates(pool: Pool): Promise<string[]> {
  const { rows } = await pool.db.query<{ state: string }>({ text: 'select state from claims order by seq' })
  return rows.map((row) => row.state)
}

const waiting = async (pool: Pool) => (await claimStates(pool)).filter((state) => state === 'queued').length

async function eventTypes(pool: Pool, id: string): Promise<string[]> {
  const { rows } = await pool.db.query<{ type: string }>({
    text: 'select type from instance_events where instance_id = $1 order by id',
    values: [id],
  })
  return rows.map((row) => row.type)
}

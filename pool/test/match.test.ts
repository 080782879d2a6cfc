import { randomUUID } from 'node:crypto'
import { type Database, type Queryable, withTransaction } from '@convos/kit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endQueued, expireQueued, insertClaim, renewClaims } from '../src/db/claims.ts'
import { cancelLostQueued } from '../src/db/lost.ts'
import { reserve as reserveMany } from '../src/db/reserve.ts'
import { newInstanceId } from '../src/naming.ts'
import { reserveNext, seedRows, testDatabase, unaudited, waitForLock } from './harness.ts'

const DEADLINES = { createMs: 30_000, joinMs: 20_000, leaseExtraMs: 15_000 }
let database: Awaited<ReturnType<typeof testDatabase>>
let db: Database

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
})
afterEach(() => database[Symbol.asyncDispose]())

async function queue(n: number, leaseMs = 15_000, waitMs = 60_000): Promise<string[]> {
  const ids = Array.from({ length: n }, (_, i) => `clm_${i}_${randomUUID()}`)
  for (const id of ids) {
    const claim = { id, principal: 'key:test', idemKey: null, bodyHmac: id, joinHash: null, agentName: 'A', requestId: null }
    await insertClaim(db, { ...claim, mode: 'create', waitMs, leaseMs })
  }
  return ids
}

async function ready(n: number): Promise<string[]> {
  const ids = Array.from({ length: n }, newInstanceId)
  await seedRows(db, ids)
  return ids
}

const reserve = (on: Queryable = db) => reserveNext(on, DEADLINES)

/** Acts on a connection of its own while somebody else holds a row: fails where it waits for that. */
async function whileHeld(hold: string, id: string | undefined, act: (on: Queryable) => Promise<void>): Promise<void> {
  const own = await db.connect()
  await own.query(`set lock_timeout = '2s'`)
  try {
    await withTransaction(db, async (tx) => {
      await tx.query(hold, [id])
      await act(own)
    })
  } finally {
    own.release(true)
  }
}

const renewAll = (on: Queryable, ids: string[]) => renewClaims(on, { ids, ms: 3_600_000 })
const expireAll = (on: Queryable, ids: string[]) => expireQueued(on, { ids, graceMs: 0 })

/** Once the pairing that was asked for waits for a claim that somebody holds. */
async function waiting(answer: ReturnType<typeof reserve>) {
  answer.catch(() => {})
  await waitForLock({ db }, 'with room as')
  return { answer }
}

describe('pairing', () => {
  test('the oldest claim gets the oldest instance', async () => {
    const [first, second] = await queue(2)
    const [older, newer] = await ready(2)
    expect(await reserve()).toMatchObject({ claimId: first, instanceId: older })
    expect(await reserve()).toMatchObject({ claimId: second, instanceId: newer })
    expect(await reserve()).toBeNull()
  })

  test('the answer is due 30 s after the reservation', async () => {
    await queue(1)
    await ready(1)
    const reserved = await reserve()
    expect(reserved?.leftMs).toBeGreaterThan(29_000)
    expect(reserved?.leftMs).toBeLessThanOrEqual(30_000)
  })

  test('an instance that another statement holds is skipped, not waited for', async () => {
    await queue(1)
    const [held, free] = await ready(2)
    await whileHeld('select id from instances where id = $1 for update', held, async (own) => {
      expect((await reserve(own))?.instanceId).toBe(free)
    })
  })

  test('an instance on its way out is skipped, even while that is not committed', async () => {
    await queue(1)
    const [leaving, staying] = await ready(2)
    const tx = await db.connect()
    await tx.query('begin')
    await tx.query('set local convos.unaudited = on')
    await tx.query(`update instances set status = 'deleting' where id = $1`, [leaving])
    expect((await reserve())?.instanceId).toBe(staying)
    await tx.query('commit')
    tx.release()
  })

  test('a claim without an instance, and an instance without a claim, lock nothing', async () => {
    const [instance] = await ready(1)
    const tx = await db.connect()
    await tx.query('begin')
    expect(await reserve(tx)).toBeNull()
    const [claim] = await queue(1)
    expect(await reserve()).toMatchObject({ claimId: claim, instanceId: instance })
    await tx.query('commit')
    tx.release()
  })

  test('a claim whose waiter is gone gets nothing', async () => {
    await queue(1, 0)
    await ready(1)
    expect(await reserve()).toBeNull()
  })

  test('50 at once over 10 instances: each instance once, and no claim twice', async () => {
    const claims = await queue(50)
    const instances = await ready(10)
    const reservations = (await Promise.all(Array.from({ length: 50 }, () => reserve()))).flatMap((r) => r ?? [])
    expect(reservations.map((r) => r.instanceId).toSorted()).toEqual(instances.toSorted())
    expect(new Set(reservations.map((r) => r.claimId)).size).toBe(10)
    expect(claims).toEqual(expect.arrayContaining(reservations.map((r) => r.claimId)))
  })
})

describe('nobody is overtaken', () => {
  test('while the lease of who is first is renewed', async () => {
    const [first = '', second] = await queue(2)
    const [older, newer] = await ready(2)
    const paired = await withTransaction(db, async (tx) => {
      await renewClaims(tx, { ids: [first], ms: 60_000 })
      return waiting(reserve())
    })
    expect(await paired.answer).toMatchObject({ claimId: first, instanceId: older })
    expect(await reserve()).toMatchObject({ claimId: second, instanceId: newer })
  })

  test('while who is first is paired: the next instance is the next one’s', async () => {
    const [first, second] = await queue(2)
    const [older, newer] = await ready(2)
    const paired = await withTransaction(db, async (tx) => {
      expect(await reserve(tx)).toMatchObject({ claimId: first, instanceId: older })
      return waiting(reserve())
    })
    expect(await paired.answer).toMatchObject({ claimId: second, instanceId: newer })
  })

  test('by whoever is paired at the same moment, where a pairing comes to nothing', async () => {
    const [first] = await queue(2)
    const [older] = await ready(2)
    const tx = await db.connect()
    await tx.query('begin')
    await reserve(tx)
    const paired = await waiting(reserve())
    await tx.query('rollback')
    tx.release()
    expect(await paired.answer).toMatchObject({ claimId: first, instanceId: older })
  })

  test('where who is first has left meanwhile, the next one is served', async () => {
    const [first = '', second] = await queue(2)
    const [older] = await ready(1)
    const paired = await withTransaction(db, async (tx) => {
      const left = { state: 'cancelled', error: null, reason: 'r', actor: 'test', requestId: null } as const
      expect(await endQueued(tx, { id: first, ...left })).toBe(true)
      return waiting(reserve())
    })
    expect(await paired.answer).toMatchObject({ claimId: second, instanceId: older })
  })

  /** Each of these holds several claims: one that waited for the pairing could be waited for by it. */
  test.each([
    ['a renewal', renewAll, 15_000, `lease_until > clock_now() + interval '1 min'`],
    ['the end of a wait', expireAll, 15_000, `state = 'failed'`],
    ['the sweep', cancelLostQueued, 0, `state = 'cancelled'`],
  ])('and %s leaves out a claim that is held, and does not wait for it', async (_, act, leaseMs, isDone) => {
    const [held, free] = await queue(2, leaseMs, 0)
    await whileHeld('select id from claims where id = $1 for update', held, async (own) => {
      await act(own, [held ?? '', free ?? ''])
      expect((await own.query({ text: `select id from claims where ${isDone}` })).rows).toEqual([{ id: free }])
    })
  })
})

test('the database itself refuses a second instance for a claim, and a touched or claimed one that is ready', async () => {
  const [a, b] = await ready(2)
  const give = (id: string | undefined) =>
    unaudited(db, `update instances set status = 'claiming', claim_id = 'c' where id = $1`, [id])
  await give(a)
  await expect(give(b)).rejects.toThrow('one_instance_per_claim')
  await expect(db.query(`update instances set status = 'ready' where id = $1`, [a])).rejects.toThrow('unclaimed_is_untouched')
  await expect(db.query(`update instances set touched_at = now() where id = $1`, [b])).rejects.toThrow('unclaimed_is_untouched')
})

describe('the end of a wait', () => {
  const expire = (ids: string[]) => expireQueued(db, { ids, graceMs: 1_000 })
  const stateOf = async (id: string) =>
    (await db.query<{ state: string }>({ text: 'select state from claims where id = $1', values: [id] })).rows[0]?.state

  test('comes when its time is over and nothing is ready', async () => {
    const [patient = ''] = await queue(1)
    const [hasty = ''] = await queue(1, 15_000, 0)
    await expire([patient, hasty])
    expect([await stateOf(patient), await stateOf(hasty)]).toEqual(['queued', 'failed'])
  })

  test('does not come while an instance is ready that another statement holds, but not for ever', async () => {
    const [claim = ''] = await queue(1, 15_000, 0)
    await ready(1)
    const observer = await db.connect()
    await observer.query('begin')
    await observer.query('select id from instances for update')
    expect(await reserve()).toBeNull()
    await expire([claim])
    expect(await stateOf(claim)).toBe('queued')
    await db.query(`update claims set wait_until = clock_now() - interval '1 s'`)
    await expire([claim])
    expect(await stateOf(claim)).toBe('failed')
    await observer.query('commit')
    observer.release()
  })
})

test('many are paired at once, each with its own, in the order of arrival and of age', async () => {
  const claims = await queue(5)
  const boxes = await ready(7)
  const some = await reserveMany(db, { ...DEADLINES, limit: 3 })
  expect(some.more).toBe(true)
  const rest = await reserveMany(db, { ...DEADLINES, limit: 3 })
  expect(rest.more).toBe(false)
  const pairs = [...some.reserved, ...rest.reserved].map(({ claimId, instanceId }) => `${claimId} ${instanceId}`)
  expect(pairs.toSorted()).toEqual(claims.map((id, n) => `${id} ${boxes[n]}`).toSorted())
})

test('those on the trusted wanted image go first, and the others after them', async () => {
  await queue(3)
  const [old = '', fresh = '', other = ''] = await ready(3)
  await db.query({
    values: [fresh],
    text: `update instances set image = case when id = $1 then 'wanted' else 'older' end`,
  })
  await db.query(`insert into images (image, trusted_at) values ('wanted', clock_now())`)
  await db.query(`update settings set wanted_image = 'wanted'`)
  const { reserved } = await reserveMany(db, { ...DEADLINES, limit: 3 })
  const taken = reserved.toSorted((a, b) => a.claimId.localeCompare(b.claimId)).map(({ instanceId }) => instanceId)
  expect(taken).toEqual([fresh, old, other])
})

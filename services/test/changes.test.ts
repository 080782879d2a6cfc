import { eventually } from '@convos/sandbox/testing'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import request from 'supertest'
import { createApp } from '../src/app.ts'
import { changesSince } from '../src/changes.ts'
import { pruneChanges, readChanges, readCursor } from '../src/db/changes.ts'
import { insertInstance } from '../src/db/instances.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

let h: Harness
beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
})
afterEach(() => h.close())

const never = new AbortController().signal
const row = (instanceId: string) => ({
  instanceId,
  projectName: instanceId,
  image: IMAGE,
  gatewayToken: 'sealed',
  controlToken: 'sealed',
  servicesToken: 'sealed',
  servicesTokenHash: instanceId,
})
/** Waits until every transaction of the cluster that is older than now has ended: other tests' transactions hold the feed back too. */
async function caughtUp(): Promise<void> {
  const { rows } = await h.ctx.db.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
  const present = BigInt(rows[0]?.xid ?? 0)
  await eventually('older transactions have ended', async () => BigInt(await readCursor(h.ctx.db)) > present)
}
const presentCursor = async () => {
  await caughtUp()
  return readCursor(h.ctx.db)
}
const changesAfter = async (cursor: string) => {
  await caughtUp()
  return readChanges(h.ctx.db, cursor)
}
const touch = (id: string, sql: string) => h.ctx.db.query(`update instance_infra set ${sql} where instance_id = $1`, [id])

test('without a cursor the present one is told at once; from then on every change is told once', async () => {
  await caughtUp()
  const { body } = await request(h.app).get('/changes').set(h.headers).expect(200)
  const { cursor } = body as { cursor: string }
  expect(body).toEqual({ cursor, instanceIds: [], reset: false })
  const id = newId()
  await insertInstance(h.ctx.db, row(id))
  await caughtUp()
  const first = await request(h.app).get(`/changes?after=${cursor}`).set(h.headers).expect(200)
  expect(first.body).toMatchObject({ instanceIds: [id], reset: false })
  const next = (first.body as { cursor: string }).cursor
  const second = await request(h.app).get(`/changes?after=${next}`).set(h.headers).expect(200)
  expect(second.body).toMatchObject({ instanceIds: [], reset: false })
})

test('a transaction that began before and commits late is not passed over', async () => {
  const [late, early] = [newId(), newId()]
  const cursor = await presentCursor()
  const slow = await h.ctx.db.connect()
  try {
    await slow.query('begin')
    await insertInstance(slow, row(late))
    await insertInstance(h.ctx.db, row(early))
    const during = await readChanges(h.ctx.db, cursor)
    expect(during.instanceIds).toEqual([])
    await slow.query('commit')
    const after = await changesAfter(during.cursor)
    expect(after.instanceIds.toSorted()).toEqual([late, early].toSorted())
  } finally {
    slow.release()
  }
})

test.each([
  ['the phase', `phase = 'creating'`, true],
  ['the wish', `wish = 'absent'`, true],
  ['the url', `url = 'http://x'`, true],
  ['the image', `image = 'y'`, true],
  ['what it says of itself', `health = '{"ready":true,"lastActivityAt":null}'`, true],
  ['when it was last active', `health = '{"ready":false,"lastActivityAt":"2030-01-01T00:00:00Z"}'`, false],
  ['when it was probed', `answered_at = clock_now(), next_probe_at = clock_now()`, false],
  ['the first failure', `probe_failures = 1, failing_since = clock_now()`, true],
  ['who runs it', `runner_id = 'x', lease_until = clock_now()`, false],
])('a change of %s', async (_what, sql, told) => {
  const id = newId()
  await insertInstance(h.ctx.db, row(id))
  await touch(id, `health = '{"ready":false,"lastActivityAt":null}'`)
  const cursor = await presentCursor()
  await touch(id, sql)
  expect((await changesAfter(cursor)).instanceIds).toEqual(told ? [id] : [])
})

test('of failures in a row the first and the third are told, and the recovery', async () => {
  const id = newId()
  await insertInstance(h.ctx.db, row(id))
  const told: boolean[] = []
  for (const failures of [1, 2, 3, 4, 0, 0]) {
    const cursor = await presentCursor()
    await touch(id, `probe_failures = ${failures}, failing_since = ${failures > 0 ? 'clock_now()' : 'null'}`)
    told.push((await changesAfter(cursor)).instanceIds.length > 0)
  }
  expect(told).toEqual([true, false, true, false, true, false])
})

test('a tool is told when its state changes', async () => {
  const id = newId()
  await insertInstance(h.ctx.db, row(id))
  const cursor = await presentCursor()
  await h.ctx.db.query(`insert into instance_services (instance_id, tool_id, kind) values ($1, 'email', 'inbox')`, [id])
  const added = await changesAfter(cursor)
  expect(added.instanceIds).toEqual([id])
  await h.ctx.db.query(`update instance_services set state = 'active', resource_id = 'x' where instance_id = $1`, [id])
  expect((await changesAfter(added.cursor)).instanceIds).toEqual([id])
})

test('a waiting reader is told as soon as something happens here, and lets go when its client leaves', async () => {
  const cursor = await presentCursor()
  const waiting = changesSince(h.ctx, { after: cursor, waitMs: 25_000 }, never)
  const id = newId()
  await insertInstance(h.ctx.db, row(id))
  h.ctx.changed.notify()
  expect((await waiting).instanceIds).toEqual([id])

  const client = new AbortController()
  const idle = changesSince(h.ctx, { after: (await waiting).cursor, waitMs: 25_000 }, client.signal)
  client.abort()
  expect((await idle).instanceIds).toEqual([])
})

test('who waits is answered at once when the service is about to stop', async () => {
  const stopping = new AbortController()
  const app = createApp(h.ctx, { retired: stopping.signal, stopping: stopping.signal })
  const cursor = await presentCursor()
  const waiting = request(app).get(`/changes?after=${cursor}&waitMs=25000`).set(h.headers).timeout(5_000)
  const answered = waiting.then(({ status }) => status)
  await request(app).get('/healthz').expect(200)
  stopping.abort()
  expect(await answered).toBe(200)
  await request(app).get('/readyz').expect(503)
})

test('a cursor of the future, or of what was forgotten, is reset', async () => {
  const cursor = await presentCursor()
  expect(await changesAfter(String(BigInt(cursor) + 1_000_000n))).toMatchObject({ reset: true })
  await insertInstance(h.ctx.db, row(newId()))
  const present = await presentCursor()
  await h.moveClock(3_600_001)
  await pruneChanges(h.ctx.db, 3_600_000)
  expect(await changesAfter(cursor)).toMatchObject({ reset: true })
  expect(await changesAfter(present)).toMatchObject({ reset: false, instanceIds: [] })
})

test('a cursor that is not a number is refused', async () => {
  const { body } = await request(h.app).get('/changes?after=abc').set(h.headers).expect(400)
  expect(body).toMatchObject({ code: 'INVALID_REQUEST' })
})

import { withTransaction } from '@convos/kit'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { bindClaim } from '../src/db/instances.ts'
import { createToyWorld, ORDER, type ToyWorld } from './support/toy-world.ts'

/** Tools that come and go while their instance is claimed, or goes itself. */
let w: ToyWorld

beforeEach(async () => {
  w = await createToyWorld(inject('postgresUrl'))
})
afterEach(() => w.close())

test('nothing more is made of what was refused, whatever wakes the runner', async () => {
  const { id } = await w.running()
  w.toy.mood.refuses = true
  const answer = w.asking('post', `/provision/${id}/doorbell`, {})
  await expect.poll(async () => (await w.rows(id)).length).toBe(2)
  await w.h.pass()
  expect((await answer).body).toMatchObject({ state: 'failed' })
  await w.configure(id)
  await w.h.makeDue(id)
  await w.h.pass()
  expect(w.toy.pins.size).toBe(0)
  expect((await w.rows(id)).map(({ state }) => state)).toEqual(['failed', 'failed'])
})

test('to take an earlier one away again is done at once, and leaves the later one alone', async () => {
  const { id } = await w.running()
  w.start()
  await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
  await w.call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200)
  await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
  await w.call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200, { ok: true })
  expect([...w.toy.bells.keys()]).toEqual(['bell-2'])
})

test('one that came while its predecessor was being asked away is not taken for it', async () => {
  const { id } = await w.running()
  const provisioned = w.asking('post', `/provision/${id}/doorbell`, {})
  await expect.poll(async () => (await w.rows(id)).length).toBe(2)
  await w.h.pass()
  await provisioned
  let late = Promise.resolve<unknown>(null)
  await withTransaction(w.h.ctx.db, async (tx) => {
    await tx.query('select from instance_infra where instance_id = $1 for update', [id])
    late = w.asking('delete', `/destroy/${id}/doorbell/bell-1`)
    await w.h.waitForLock('from instance_infra')
    await tx.query(`update instance_services set state = 'destroyed' where instance_id = $1 and tool_id = 'doorbell'`, [id])
    await tx.query(
      `insert into instance_services (instance_id, tool_id, kind, generation, state, resource_id)
       values ($1, 'doorbell', 'bell', 2, 'active', 'bell-2')`,
      [id],
    )
  })
  expect(await late).toMatchObject({ status: 200, body: { ok: true } })
  expect((await w.rows(id)).map(({ state }) => state)).toEqual(['destroyed', 'destroyed', 'active'])
})

test('a tool that is ready before the instance knows its claim reaches it afterwards: until then it would be forgotten', async () => {
  const { id, box } = await w.running()
  expect(await bindClaim(w.h.ctx.db, { instanceId: id, claimId: 'claim-1', allowedTools: [], wantedName: 'x' })).toBe(true)
  const answer = w.asking('post', `/provision/${id}/doorbell`, {})
  await expect.poll(async () => (await w.rows(id)).length).toBe(2)
  await w.h.pass()
  expect((await answer).body).toMatchObject({ state: 'active' })
  expect(w.told(box, '/pool/env')).toEqual([])
  await w.bound(id)
  await w.h.makeDue(id)
  await w.h.pass()
  const [pin] = w.toy.pins.keys()
  expect(w.told(box, '/pool/env')).toEqual([{ env: { DOORBELL_ID: 'bell-1', DOORBELL_PIN: pin } }])
})

test('a tool never reaches an instance that serves another claim', async () => {
  const { id, box } = await w.running()
  expect(await bindClaim(w.h.ctx.db, { instanceId: id, claimId: 'claim-1', allowedTools: [], wantedName: 'x' })).toBe(true)
  await w.bound(id, 'claim-2')
  const answer = w.asking('post', `/provision/${id}/doorbell`, {})
  await expect.poll(async () => (await w.rows(id)).length).toBe(2)
  await w.h.pass()
  expect((await answer).body).toMatchObject({ state: 'active' })
  expect(w.told(box, '/pool/env')).toEqual([])
  expect((await w.h.row(id)).nextRunAt).toBeNull()
})

/** As the list has it that a pool without a list of its own reads. */
const claimOf = async (id: string) => {
  const { body } = await w.call('get', '/instances').expect(200)
  return (body as { instances: { instanceId: string; claimId: string | null; name: string }[] }).instances.find(
    ({ instanceId }) => instanceId === id,
  )
}

test('nothing of a claim stays with an instance that says it is another’s', async () => {
  const { id, box } = await w.running()
  const before = await claimOf(id)
  box.respond = () => ({ status: 409, body: { code: 'FOREIGN_CLAIM' } })
  await w.call('post', `/configure/${id}`, { ...ORDER, allowedTools: ['doorbell'] }).expect(409)
  expect(await claimOf(id)).toEqual({ ...before, claimId: null })
  box.respond = () => ({ status: 500, body: {} })
  await w.call('post', `/configure/${id}`, ORDER).expect(502)
  expect(await claimOf(id)).toMatchObject({ claimId: ORDER.claimId })
})

test('what was given for a claim that came to nothing never reaches the next one, and goes', async () => {
  const { id, box } = await w.running()
  const late = { claimId: 'claim-0', userConfig: { pin: '1234' } }
  await w.call('post', `/provision/${id}/doorbell`, late).expect(200)
  await w.configure(id)
  expect(w.told(box, '/pool/provision').map(({ env }) => env)).toEqual([{}])
  w.start()
  await expect.poll(async () => (await w.rows(id)).map(({ state }) => state), { timeout: 5_000 }).toEqual(['destroyed'])
  expect(w.told(box, '/pool/env')).toEqual([])
  await w.call('post', `/provision/${id}/doorbell`, late).expect(409)
})

test('what an earlier claim left is not taken for the next one’s, whoever brought it', async () => {
  const { id } = await w.running()
  w.start()
  await w.call('post', `/provision/${id}/doorbell`, { claimId: 'claim-0' }).expect(200)
  const next = { claimId: ORDER.claimId }
  expect((await w.call('post', `/provision/${id}/doorbell`, next).expect(409)).body).toMatchObject({ code: 'TOOL_EXISTS' })
  await w.call('delete', `/destroy/${id}/doorbell/_?claimId=${ORDER.claimId}`).expect(200)
  const users = { userConfig: { pin: '1234' } }
  await w.call('post', `/provision/${id}/doorbell`, { claimId: 'claim-0', ...users }).expect(200)
  expect((await w.call('post', `/provision/${id}/doorbell`, { ...next, ...users }).expect(409)).body).toMatchObject({
    code: 'TOOL_EXISTS',
  })
})

test('a claim that an instance refuses takes its tools with it, and nobody else’s', async () => {
  const { id, box } = await w.running()
  await w.call('post', `/provision/${id}/doorbell`, { claimId: ORDER.claimId, userConfig: { pin: '1234' } }).expect(200)
  await w.h.ctx.db.query(
    `insert into instance_services (instance_id, tool_id, kind, state, resource_id, claim_id)
     values ($1, 'pager', 'pager', 'active', 'p1', 'claim-2')`,
    [id],
  )
  box.respond = () => ({ status: 409, body: { code: 'FOREIGN_CLAIM' } })
  await w.call('post', `/configure/${id}`, ORDER).expect(409)
  await w.h.pass()
  expect((await w.rows(id)).map(({ state }) => state)).toEqual(['destroyed'])
  const { rows } = await w.h.ctx.db.query(`select state from instance_services where tool_id = 'pager'`)
  expect(rows).toEqual([{ state: 'active' }])
  expect(w.told(box, '/pool/env')).toEqual([])
})

test('what an instance says of itself counts more than a row that is older: another claim does not even reach it', async () => {
  const { id, box } = await w.running()
  await w.bound(id, 'claim-2')
  const refused = { code: 'FOREIGN_CLAIM', fault: 'instance' }
  for (const body of [{ claimId: ORDER.claimId }, { claimId: ORDER.claimId, userConfig: { pin: '1234' } }])
    expect((await w.call('post', `/provision/${id}/doorbell`, body).expect(409)).body).toMatchObject(refused)
  expect((await w.call('post', `/configure/${id}`, ORDER).expect(409)).body).toMatchObject(refused)
  expect(await w.rows(id)).toEqual([])
  expect(w.told(box, '/pool/provision')).toEqual([])
})

test('whose an instance is, is learnt from itself where its row does not know, and a refused claim changes nothing about it', async () => {
  const { id, box } = await w.running()
  await w.bound(id, 'claim-2')
  expect(await claimOf(id)).toMatchObject({ claimId: 'claim-2' })
  await w.h.ctx.db.query('update instance_infra set claim_id = null, health = null where instance_id = $1', [id])
  box.respond = () => ({ status: 409, body: { code: 'FOREIGN_CLAIM' } })
  await w.call('post', `/configure/${id}`, ORDER).expect(409)
  await w.call('post', '/status/batch', { instanceIds: [id] }).expect(200)
  expect(await claimOf(id)).toMatchObject({ claimId: 'claim-2' })
})

test('one that came with the claim is taken away with its variables, however soon', async () => {
  const { id, box } = await w.running()
  await w.call('post', `/provision/${id}/doorbell`, { userConfig: { pin: '1234' } }).expect(200)
  await w.configure(id)
  const answer = w.asking('delete', `/destroy/${id}/doorbell/user`)
  await expect.poll(async () => (await w.rows(id))[0]?.state).toBe('destroying')
  await w.h.pass()
  expect((await answer).status).toBe(200)
  expect(w.told(box, '/pool/env')).toEqual([{ env: { DOORBELL_PIN: null } }])
})

test('credentials of a claimer’s own are taken away no sooner than their agent has forgotten them: they still work', async () => {
  const { id, box } = await w.running()
  await w.call('post', `/provision/${id}/doorbell`, { userConfig: { pin: '1234' } }).expect(200)
  await w.configure(id)
  box.respond = () => ({ status: 500, body: {} })
  const answer = w.asking('delete', `/destroy/${id}/doorbell/user`)
  await expect.poll(async () => (await w.rows(id))[0]?.state).toBe('destroying')
  await w.h.pass()
  expect((await w.rows(id)).map(({ state }) => state)).toEqual(['destroying'])
  box.respond = () => ({ status: 200, body: { ok: true } })
  await w.h.makeDue(id)
  await w.h.pass()
  expect(await answer).toMatchObject({ status: 200, body: { ok: true } })
  expect(w.told(box, '/pool/env')).toEqual(Array.from({ length: 2 }, () => ({ env: { DOORBELL_PIN: null } })))
})

test('a claim that meets an instance on its way out is not told that it is somebody else’s', async () => {
  const { id } = await w.running()
  let late = Promise.resolve<unknown>(null)
  await withTransaction(w.h.ctx.db, async (tx) => {
    await tx.query(`update instance_infra set wish = 'absent' where instance_id = $1`, [id])
    late = w.asking('post', `/configure/${id}`, ORDER)
    await w.h.waitForLock('update instance_infra set claim_id')
  })
  expect(await late).toMatchObject({ status: 409, body: { code: 'INSTANCE_NOT_RUNNING' } })
})

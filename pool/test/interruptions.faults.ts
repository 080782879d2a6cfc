import { Deadline } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { sweepLostClaims } from '../src/claim/lost.ts'
import { insertTemplate } from '../src/db/templates.ts'
import { configured, detailOf, healthOf } from './fake-services.ts'
import { countRows, seedReady, statusOf, type TestPool, testPool } from './harness.ts'
import { cutOff, intercept } from './intercept.ts'
import { gate } from './operating.ts'

const INVITE = 'https://dev.convos.org/v2?i=invite-1'
/** Nothing looks at the fleet by itself, no lease is renewed, and the caller of a join is answered soon. */
const STILL = {
  env: { TICK_INTERVAL_MS: '600000' },
  limits: { readyPollMs: 600_000, leaseRenewMs: 600_000, claimJoinMs: 300, anotherBoxJoinMs: 0, innerReserveMs: -5_000 },
}

/** How a claim is known again: by its key, or by its invite and body. */
const KNOWN = {
  key: { body: {}, how: { headers: { 'idempotency-key': 'once' } }, kept: 'done' },
  invite: { body: { joinUrl: INVITE }, how: {}, kept: 'pending' },
} as const
type Known = keyof typeof KNOWN
const TEMPLATE = { templateId: 'tpl_1' }

const addTemplate = (pool: TestPool) =>
  insertTemplate(pool.db, {
    id: TEMPLATE.templateId,
    creator: 'key:pool',
    content: {
      agentName: 'planner',
      instructions: 'Plan.',
      model: { default: null, allow_override: true },
      tools: [{ id: 'email', provisioning: 'pool' }],
      visibility: 'private',
    },
  })

async function claims({ db }: Pick<TestPool, 'db'>) {
  const { rows } = await db.query<{ id: string; state: string; instance_id: string | null }>(
    'select id, state, instance_id from claims order by seq',
  )
  return rows
}

/** How often an instance was handed out for good. */
async function timesKept({ db }: TestPool, id: string): Promise<number> {
  const { rowCount } = await db.query(`select 1 from instance_events where instance_id = '${id}' and type = 'claimed'`)
  return rowCount ?? 0
}

/** The lease of whatever is under way is over, and this replica finds out. */
async function sweep(at: TestPool): Promise<void> {
  await at.db.query(`update claims set lease_until = clock_now() - interval '1 s' where state in ('queued', 'running')`)
  await sweepLostClaims(at.ctx, new Deadline(5_000))
}

/** Stands in the way of a call to services, before it is made. */
function holdCall(pool: TestPool, name: 'reachable', pass: () => Promise<void>): void {
  const { services } = pool.ctx
  const call = services[name].bind(services)
  services[name] = async () => {
    await pass()
    await call()
  }
}

/** Where a claim can stand: what holds it there, and what lets it get there. */
const STEPS: Record<string, (pool: TestPool, pass: () => Promise<void>) => void> = {
  'with a box reserved': (pool, pass) => holdCall(pool, 'reachable', pass),
  'while its tools are made': ({ services }, pass) => {
    const { onProvision } = services
    services.onProvision = async (...tool) => {
      await pass()
      return onProvision(...tool)
    }
  },
  'while its box is configured': ({ services }, pass) => {
    services.onConfigure = async (id, body) => {
      await pass()
      return configured(services, id, body)
    }
  },
  'when it is complete, before it is answered': ({ ctx }, pass) => intercept(ctx.db, 'keep_box', { after: pass }),
}

/** A claim whose client leaves at a step, and does not come back. */
async function leaveAt(pool: TestPool, step: string, body: Record<string, unknown>, how: object = {}) {
  const held = gate()
  STEPS[step]?.(pool, held.pass)
  const leaving = new AbortController()
  const claim = pool.claim(body, { ...how, signal: leaving.signal })
  await Promise.race([held.reached, claim])
  leaving.abort()
  await expect(claim).rejects.toThrow('aborted')
  await eventually('pool to notice', () => pool.logged.some((line) => /request (aborted|completed|errored)/.test(line)))
  held.open()
}

describe.each(Object.keys(KNOWN) as Known[])('a client that leaves, of a claim that is known again by its %s,', (known) => {
  const { body, how, kept } = KNOWN[known]

  test('gets its agent when it comes back, if it left the queue', async () => {
    const pool = scoped(await testPool(STILL))
    const leaving = new AbortController()
    const left = pool.claim({ ...body, waitMs: 60_000 }, { ...how, signal: leaving.signal })
    const { id } = await eventually('it to wait', async () => (await claims(pool))[0])
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    await eventually('pool to notice', () => pool.logged.some((line) => /request (aborted|completed|errored)/.test(line)))
    await seedReady(pool, 2)
    expect((await pool.claim(body, how)).body).toMatchObject({ claimId: id, status: kept })
    expect(await countRows(pool.db, 'ready')).toBe(1)
  })

  test.each(Object.keys(STEPS))('gets its agent when it comes back, if it left %s', async (step) => {
    const pool = scoped(await testPool(STILL))
    await addTemplate(pool)
    await seedReady(pool, 2)
    await leaveAt(pool, step, { ...body, ...TEMPLATE }, how)
    const again = await pool.claim({ ...body, ...TEMPLATE }, how)
    const [claim] = await claims(pool)
    expect(again.body).toMatchObject({ claimId: claim?.id, status: kept, instanceId: claim?.instance_id })
    expect(pool.services.called(/configure/)).toHaveLength(1)
    expect(await countRows(pool.db, 'ready')).toBe(1)
  })
})

describe('a client that leaves, of a claim that nobody could ask for again,', () => {
  test('gives its box back if nothing has reached it', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    await leaveAt(pool, 'with a box reserved', {})
    await eventually('its box to be back', async () => (await statusOf(pool.db, id)) === 'ready' || null)
    expect(await claims(pool)).toMatchObject([{ state: 'cancelled', instance_id: null }])
    expect(pool.services.called(/configure/)).toEqual([])
  })

  test('leaves an agent that is complete, to be found by the id of its claim', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    await leaveAt(pool, 'when it is complete, before it is answered', {})
    const [claim] = await claims(pool)
    const found = await pool.call('GET', `/api/pool/claims/${claim?.id}`)
    expect(found.body).toMatchObject({ status: 'done', instanceId: id, gatewayToken: `gateway-token-of-${id}` })
  })
})

/** Where a pool is killed, and what the next one makes of its claim. */
const KILLS: {
  where: string
  kill: (pool: TestPool, die: () => void) => void
  leaves: 'nothing' | 'cancelled' | 'failed' | 'kept'
  box: 'ready' | 'gone' | 'kept'
}[] = [
  {
    where: 'before its claim is in the queue',
    kill: ({ ctx }, die) => intercept(ctx.db, 'find_same_claim', { after: die }),
    leaves: 'nothing',
    box: 'ready',
  },
  {
    where: 'with its claim in the queue',
    kill: ({ ctx }, die) => intercept(ctx.db, 'reserve', { before: die }),
    leaves: 'cancelled',
    box: 'ready',
  },
  {
    where: 'with a box reserved',
    kill: ({ ctx }, die) => intercept(ctx.db, 'reserve', { after: (rows) => (rows.length > 0 ? die() : undefined) }),
    leaves: 'failed',
    box: 'ready',
  },
  {
    where: 'with its tools made',
    kill: ({ ctx }, die) => intercept(ctx.db, 'mark_touched', { before: die }),
    leaves: 'failed',
    box: 'ready',
  },
  {
    where: 'just before its box is configured',
    kill: ({ ctx }, die) => intercept(ctx.db, 'mark_touched', { after: die }),
    leaves: 'cancelled',
    box: 'gone',
  },
  {
    where: 'with its box configured',
    kill: ({ ctx }, die) => intercept(ctx.db, 'keep_box', { before: die }),
    leaves: 'kept',
    box: 'kept',
  },
  {
    where: 'before its claim is answered',
    kill: ({ ctx }, die) => intercept(ctx.db, 'keep_box', { after: die }),
    leaves: 'kept',
    box: 'kept',
  },
]

describe.each(Object.keys(KNOWN) as Known[])('a pool that is killed, and a claim that is known again by its %s', (known) => {
  const { body: own, how, kept } = KNOWN[known]
  const body = { ...own, ...TEMPLATE }

  test.each(KILLS)('$where: it is ended by another one, and made again', async ({ kill, leaves, box }) => {
    const pool = scoped(await testPool(STILL))
    const other = scoped(await pool.replica())
    await addTemplate(other)
    const [id = ''] = await seedReady(other, 1)
    const killed = Promise.withResolvers<void>()
    const leaving = new AbortController()
    kill(pool, () => {
      cutOff(pool)
      killed.resolve()
    })
    const cut = pool.claim(body, { ...how, signal: leaving.signal })
    await killed.promise
    leaving.abort()
    await expect(cut).rejects.toThrow('aborted')

    await sweep(other)
    const [claim] = await claims(other)
    expect(claim?.state ?? 'nothing').toBe(leaves === 'kept' ? kept : leaves)
    const status = { ready: ['ready'], gone: ['stuck', 'deleting', null], kept: [kept === 'done' ? 'claimed' : 'pending'] }[box]
    expect(status).toContain(await statusOf(other.db, id))
    const tools = (other.services.instances.get(id)?.tools ?? []).filter(({ state }) => state !== 'destroyed')
    if (box === 'ready') expect(tools).toEqual([])
    if (claim) {
      const { body: found } = await other.call('GET', `/api/pool/claims/${claim.id}`)
      expect(found).toMatchObject({ status: claim.state, instanceId: leaves === 'kept' ? id : null })
    }

    const [spare] = await seedReady(other, 1)
    const again = await other.claim(body, how)
    expect(again.body).toMatchObject({ status: kept, instanceId: box === 'gone' ? spare : id })
    expect(again.body['claimId'] === claim?.id).toBe(leaves === 'kept')
    expect(await countRows(other.db, 'claiming')).toBe(0)
  })
})

describe('a worker that comes back after the lease on its claim ran out', () => {
  /** It hangs in the call to its box, before or after that was made an agent, while the other replica finds its claim. */
  async function hangs(p: { body?: Record<string, unknown>; before?: (pool: TestPool, id: string, claimId: string) => void }) {
    const pool = scoped(await testPool(STILL))
    const other = scoped(await pool.replica())
    const [id = ''] = await seedReady(pool, 1)
    const held = gate()
    pool.services.onConfigure = async (instanceId, body) => {
      p.before?.(pool, instanceId, body.claimId)
      await held.pass()
      return configured(pool.services, instanceId, body)
    }
    const answer = pool.claim(p.body ?? {}, { headers: { 'idempotency-key': 'once' } })
    await held.reached
    /** What it does then is over when this is. */
    const wake = async () => {
      held.open()
      await pool.stop()
    }
    return { pool, other, id, answer, wake }
  }

  test('and was found with nothing done has lost: its claim is cancelled, the box goes, and the claim is made again', async () => {
    const { other, id, answer, wake } = await hangs({})
    await sweep(other)
    expect(await answer).toMatchObject({ status: 503, body: { code: 'INTERRUPTED' } })
    await wake()
    expect(await claims(other)).toMatchObject([{ state: 'cancelled', instance_id: null }])
    expect(['stuck', 'deleting', null]).toContain(await statusOf(other.db, id))
    const [spare] = await seedReady(other, 1)
    const again = await other.claim({}, { headers: { 'idempotency-key': 'once' } })
    expect(again.body).toMatchObject({ status: 'done', instanceId: spare })
    expect(await timesKept(other, id)).toBe(0)
  })

  test('and was found with its box bound completes nothing: the claim is done, once', async () => {
    const { other, id, answer, wake } = await hangs({
      before: ({ services }, instanceId, claimId) => {
        const health = healthOf({ clean: false, binding: 'active', conversationId: 'made', claimId })
        services.set(instanceId, { health })
      },
    })
    await sweep(other)
    expect((await answer).body).toMatchObject({ status: 'done', instanceId: id, conversationId: 'made' })
    await wake()
    expect(await claims(other)).toMatchObject([{ state: 'done', instance_id: id }])
    expect(await timesKept(other, id)).toBe(1)
  })

  test('and was found with its box at work completes the claim, once', async () => {
    const { other, id, answer, wake } = await hangs({
      before: ({ services }, instanceId, claimId) =>
        services.set(instanceId, { health: healthOf({ clean: false, binding: 'working', claimId }) }),
    })
    await sweep(other)
    await wake()
    expect((await answer).body).toMatchObject({ status: 'done', instanceId: id })
    await sweep(other)
    expect(await timesKept(other, id)).toBe(1)
  })

  test('and was found with a box that does not answer, which it may have joined with, is pending until it shows', async () => {
    const { other, id, answer, wake } = await hangs({
      body: { joinUrl: INVITE },
      before: ({ services }, instanceId) =>
        services.set(instanceId, detailOf('unreachable', { failures: 2, failingSince: new Date().toISOString() })),
    })
    await sweep(other)
    expect((await answer).body).toMatchObject({ status: 'pending', instanceId: id })
    await wake()
    expect(await claims(other)).toMatchObject([{ state: 'pending', instance_id: id }])
    const [claim] = await claims(other)
    const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId: claim?.id ?? null })
    other.services.set(id, { health })
    await other.parts.fleet.look({})
    const found = await other.call('GET', `/api/pool/claims/${claim?.id}`)
    expect(found.body).toMatchObject({ status: 'done', joined: true, conversationId: 'theirs' })
    expect(await timesKept(other, id)).toBe(1)
  })

  test('and had not reached its box leaves it to whoever has it by then', async () => {
    const pool = scoped(await testPool(STILL))
    const other = scoped(await pool.replica())
    const [id = ''] = await seedReady(pool, 1)
    const held = gate()
    holdCall(pool, 'reachable', held.pass)
    const late = pool.claim({ agentName: 'late' })
    await held.reached
    await sweep(other)
    const theirs = await other.claim({ agentName: 'theirs' })
    expect(theirs.body).toMatchObject({ status: 'done', instanceId: id })
    held.open()
    expect(await late).toMatchObject({ status: 503, body: { code: 'INTERRUPTED' } })
    await pool.stop()
    expect(other.services.called(/configure/).map(({ body }) => body)).toMatchObject([{ agentName: 'theirs' }])
    expect(await claims(other)).toMatchObject([{ state: 'failed' }, { id: theirs.body['claimId'], state: 'done' }])
  })
})

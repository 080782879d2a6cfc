import { eventually, scoped } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { insertTemplate } from '../src/db/templates.ts'
import { problem } from './fake-services.ts'
import { seedReady, testPool, unaudited } from './harness.ts'
import { intercept } from './intercept.ts'

const CONTENT = {
  agentName: 'planner',
  instructions: 'Plan.',
  model: { default: null, allow_override: true },
  tools: [{ id: 'email', provisioning: 'pool' as const }],
  visibility: 'private' as const,
}

test('a claim that was carried out while it was looked at is not carried out once more on a box that it has no longer', async () => {
  const pool = scoped(await testPool({ limits: { claimPollMs: 20 } }))
  await insertTemplate(pool.db, { id: 'tpl_1', creator: 'key:pool', content: CONTENT })
  await seedReady(pool, 1)
  const [failed, seen, settled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  pool.services.onConfigure = async () => {
    await failed.promise
    throw problem(422, 'MODEL_UNKNOWN', { fault: 'claim' })
  }
  let looks = 0
  intercept(pool.ctx.db, 'read_claims', {
    after: async (rows) => {
      if (rows[0]?.state !== 'running' && looks === 0) return
      looks++
      // the first sight is of a claim at work: it is told only once that work is over, and the sight of its end only after that
      if (looks === 1) {
        seen.resolve()
        await settled.promise
      } else if (looks === 2) {
        settled.resolve()
        await new Promise(setImmediate)
      }
    },
  })
  const { reachable } = pool.ctx.services
  let begun = 0
  pool.ctx.services.reachable = async () => {
    begun++
    await reachable()
  }
  const claim = pool.claim({ templateId: 'tpl_1' })
  await seen.promise
  await eventually('its box to be reached', () => pool.services.called(/configure/).length === 1)
  failed.resolve()
  await claim
  // whatever was begun is over then
  await pool.stop()
  expect(begun).toBe(1)
  expect(pool.services.called(/POST .provision/)).toHaveLength(1)
})

test('a replica that has lost the box while it stood still gives it no tools', async () => {
  const pool = scoped(await testPool({ limits: { reachableForMs: 0 } }))
  await insertTemplate(pool.db, { id: 'tpl_1', creator: 'key:pool', content: CONTENT })
  const [id = ''] = await seedReady(pool, 1)
  // services is asked whether it is there, and meanwhile a sweep ends the claim and another one gets the box
  let taken = false
  const { reachable } = pool.ctx.services
  pool.ctx.services.reachable = async () => {
    if (!taken) {
      taken = true
      await unaudited(pool.db, `update instances set claim_id = 'clm_other', touched_at = clock_now() where id = $1`, [id])
    }
    await reachable()
  }
  expect((await pool.claim({ templateId: 'tpl_1' })).body).toMatchObject({ code: 'INSTANCE_LOST' })
  expect(pool.services.called(/POST .provision/)).toEqual([])
})

import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { countRows, testPool } from './harness.ts'

const STILL = { TICK_INTERVAL_MS: '600000' }

describe('settings', () => {
  test('come from the environment at the first start, and from the database ever after', async () => {
    const pool = scoped(await testPool({ env: { ...STILL, POOL_MAX_TOTAL: '7', POOL_MAX_AGE_HOURS: '24' } }))
    const { body } = await pool.call('GET', '/api/pool/settings')
    expect(body).toMatchObject({ minIdle: 0, maxTotal: 7, maxAgeHours: 24, stuckTimeoutMs: 900_000, paused: false })
    expect(new Set(Object.values(body['source'] as object))).toEqual(new Set(['environment']))

    const set = await pool.call('PATCH', '/api/pool/settings', { body: { maxTotal: null, maxAgeHours: 12 } })
    expect(set.body).toMatchObject({ maxTotal: null, maxAgeHours: 12, source: { maxTotal: 'operator', minIdle: 'environment' } })

    const other = scoped(await pool.replica())
    expect((await other.call('GET', '/api/pool/settings')).body).toEqual(set.body)
    expect(other.logged.join('')).toContain('the environment differs from the settings in the database')
    expect(pool.logged.join('')).not.toContain('the environment differs')
  })

  test('hold at once, on every replica, and who changed what is on the record', async () => {
    const pool = scoped(await testPool({ env: STILL }))
    const other = scoped(await pool.replica())
    await other.call('PATCH', '/api/pool/settings', { body: { minIdle: 2 }, headers: { 'X-Request-Id': 'asked-by-me' } })
    await eventually('the new target to be filled', async () => {
      await pool.parts.fleet.look({})
      await pool.parts.refill.topUp({ actor: 'test', requestId: null })
      return (await countRows(pool.db, 'ready')) === 2
    })
    expect((await pool.call('GET', '/api/pool/status')).body).toMatchObject({ target: 2 })
    const { rows } = await pool.db.query({
      text: `select actor, request_id, detail from instance_events where type = 'settings_changed'`,
    })
    expect(rows).toEqual([{ actor: 'key:pool', request_id: 'asked-by-me', detail: { minIdle: 2 } }])
  })

  const REFUSED: [string, Record<string, unknown>][] = [
    ['nothing', {}],
    ['less than none', { minIdle: -1 }],
    ['a cap of none', { maxTotal: 0 }],
    ['no value where there must be one', { minIdle: null }],
    ['less time than a boot takes', { stuckTimeoutMs: 1_000 }],
    ['an unknown name', { target: 3 }],
  ]
  test.each(REFUSED)('%s is refused', async (_, body) => {
    const pool = scoped(await testPool({ env: STILL }))
    expect((await pool.call('PATCH', '/api/pool/settings', { body })).body).toMatchObject({ code: 'INVALID_REQUEST' })
  })
})

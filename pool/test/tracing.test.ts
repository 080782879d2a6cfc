import { openTracing } from '@convos/kit'
import { eventually, scoped, startCollector } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { seedReady, testPool } from './harness.ts'

const traceOf = (n: number) => String(n).repeat(32)
const given = (n: number) => ({ traceparent: `00-${traceOf(n)}-${'b'.repeat(16)}-01` })

test('each claim is carried out in its own trace, whoever reserved for it', async () => {
  const pool = scoped(await testPool())
  const collector = scoped(await startCollector())
  const close = await openTracing({ endpoint: collector.url, service: 'pool', environment: 'dev', version: '1' }, pool.ctx.log)
  const waiting = [1, 2].map((n) => pool.claim({ agentName: `agent ${n}`, waitMs: 30_000 }, { headers: given(n) }))
  await eventually('both wait', async () => {
    const { rows } = await pool.db.query<{ n: number }>({ text: `select count(*)::int as n from claims where state = 'queued'` })
    return rows[0]?.n === 2
  })
  // the match that this claim makes serves all three
  await seedReady(pool, 3)
  const last = pool.claim({ agentName: 'agent 3' }, { headers: given(3) })
  for (const answer of await Promise.all([...waiting, last])) expect(answer.status).toBe(200)
  await pool.call('GET', '/api/pool/counts')
  await close()
  for (const n of [1, 2, 3]) {
    const mine = collector.spans.filter(({ traceId }) => traceId === traceOf(n))
    const request = mine.find(({ name }) => name === 'POST /api/pool/claim')
    const run = mine.find(({ name }) => name === 'claim run')
    expect(run, `claim ${n}`).toMatchObject({ parentSpanId: request?.spanId })
    expect(mine.map(({ name }) => name).toSorted(), `claim ${n}`).toEqual(
      expect.arrayContaining(['claim configure', 'claim queued', 'services configure']),
    )
  }
  // reading is in no trace, nor is what pool does by itself
  expect(collector.spans.filter(({ parentSpanId }) => parentSpanId === null)).toEqual([])
})

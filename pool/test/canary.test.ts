import { systemClock } from '@convos/kit'
import { eventually } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { claimNext, giveUp } from '../src/cli/canary/claims.ts'
import { inviteFault } from '../src/cli/canary/invite.ts'
import { rounds } from '../src/cli/canary/loop.ts'
import { bodyOf, keyOf, parseDuration, slotOf } from '../src/cli/canary/slot.ts'
import { visit } from '../src/cli/canary/visit.ts'
import { connect } from '../src/cli/client.ts'
import { run } from '../src/cli/run.ts'
import { aviary, inUse, ORIGINS, WEEK } from './aviary.ts'
import { standBetween } from './between.ts'
import { problem } from './fake-services.ts'
import { advance, countRows } from './harness.ts'

describe('a run', () => {
  test('claims, looks and gives up: it costs one instance, and tells how long each phase took', async () => {
    const { pool, once } = await aviary(2)
    const { outcome, held } = await once()
    expect(outcome).toMatchObject({ ok: true, failure: null, settled: true })
    expect(outcome.phases.map(({ phase }) => phase)).toEqual(['claim', 'invite', 'conversation', 'give_up'])
    expect([held, await inUse(pool), await countRows(pool.db, 'ready')]).toEqual([null, 0, 1])
  })

  test('what is wrong is told with its phase, and the agent is given up all the same', async () => {
    const { pool, once } = await aviary(3)
    const told = async (over = {}) => (await once(over)).outcome.failure
    expect(await told({ origins: ['https://popup.convos.org'] })).toMatchObject({ phase: 'invite', code: 'WRONG_NETWORK' })
    pool.services.onConfigure = (id, body) => ({
      ok: true,
      conversationId: `conversation-${id}`,
      inviteUrl: `https://dev.convos.org/v2?i=${body.claimId}`,
      joined: false,
      status: 'active',
      gatewayUrl: 'http://gateway.test',
      gatewayToken: 'unseen',
    })
    // it was configured, and says at its next probe that it was not
    expect(await told({ answerMs: 700 })).toMatchObject({ phase: 'conversation', code: 'NOT_ANSWERING' })
    pool.services.onConfigure = () => {
      throw problem(422, 'CLAIM_REJECTED', { fault: 'claim' })
    }
    expect(await told()).toMatchObject({ phase: 'claim', code: 'CLAIM_REJECTED' })
    expect(await told()).toMatchObject({ phase: 'claim', code: 'POOL_EMPTY' })
    expect(await inUse(pool)).toBe(0)
  })

  test('a pool that is down is a failure with nothing left behind', async () => {
    const between = await standBetween('http://unused.test')
    const api = await connect({ url: between.url, key: 'unused', env: {} })
    await between[Symbol.asyncDispose]()
    const v = { api, clock: systemClock, answerMs: 1_000, origins: ORIGINS, stopping: new AbortController().signal }
    const { outcome, held } = await visit({ ...v, slot: slotOf(new Date(), WEEK) })
    expect(outcome).toMatchObject({ ok: false, settled: true, failure: { phase: 'claim', code: 'UNREACHABLE' } })
    expect(held).toBeNull()
  })

  test('a claim without an answer is found by its key and given up', async () => {
    const { pool, between, once } = await aviary(1)
    const hangs = between.hangAt(/^POST \/api\/pool\/claim/, 'after')
    const { outcome, held } = await once({ answerMs: 1_000 })
    await hangs
    expect(outcome).toMatchObject({ failure: { phase: 'claim', code: 'NO_ANSWER' }, settled: true })
    expect([held, await inUse(pool)]).toEqual([null, 0])
  })

  test('told to stop it looks no further, and gives up what it has', async () => {
    const { pool, between, once } = await aviary(1)
    const stopping = new AbortController()
    stopping.abort()
    const { outcome } = await once({ stopping: stopping.signal })
    expect(outcome).toMatchObject({ ok: false, failure: null, settled: true })
    expect(outcome.phases.map(({ phase }) => phase)).toEqual(['claim', 'give_up'])
    expect(between.asked.some((call) => call.startsWith('GET /api/pool/instances'))).toBe(false)
    expect(await inUse(pool)).toBe(0)
  })
})

test('what could not be given up is, as soon as the pool can be reached', async () => {
  const { pool, between, api } = await aviary(3)
  between.cut = /^DELETE/
  const stopping = new AbortController()
  const owed: number[] = []
  const running = rounds({
    api,
    clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(20, signal) },
    answerMs: 10_000,
    origins: ORIGINS,
    everyMs: WEEK,
    once: false,
    stopping: stopping.signal,
    told: (_outcome, unsettled) => void owed.push(unsettled),
    unsettled: (n) => void owed.push(n),
  })
  await eventually('it is told that something is left', () => owed.includes(1))
  expect(await inUse(pool)).toBe(1)
  between.cut = null
  await eventually('and then that nothing is', () => owed.at(-1) === 0)
  expect(await inUse(pool)).toBe(0)
  stopping.abort()
  expect(await running).toEqual([])
})

test('the next of its slot finds what one that died had claimed; what nobody finds ends by itself', async () => {
  const { pool, api } = await aviary(3)
  const reach = { api, answerMs: 10_000 }
  const slot = slotOf(new Date(), WEEK)
  const first = await claimNext(reach, slot, () => {})
  const again = await claimNext(reach, slot, () => {})
  expect(again.claimId).toBe(first.claimId)
  await giveUp(reach, { slot, key: keyOf(slot, 0), claimId: null })
  expect(await inUse(pool)).toBe(0)
  // the key is used up: another run of this slot is another claim
  const other = await claimNext(reach, slot, () => {})
  expect(other.claimId).not.toBe(first.claimId)
  expect(await inUse(pool)).toBe(1)
  await advance(pool, slot.expiresAt.getTime() - Date.now() + 1_000)
  await eventually('it has ended', async () => (await inUse(pool)) === 0)
})

describe('the command', () => {
  const call = async (args: string[], env: Record<string, string>) => {
    const out: string[] = []
    const err: string[] = []
    const terminal = { env, out: (t: string) => void out.push(t), err: (t: string) => void err.push(t), progress: null }
    return { code: await run(['canary', ...args], terminal), out: out.join('\n'), err: err.join('\n') }
  }

  test('once says how it went, and its exit code whether all was well', async () => {
    const { pool, between, key } = await aviary(2)
    const env = { POOL_URL: between.url, POOL_API_KEY: key }
    const { code, out } = await call(['--once', '--json'], env)
    expect([code, JSON.parse(out)]).toMatchObject([0, { ok: true, settled: true }])
    const wrong = await call(['--once', '--invites', 'https://popup.convos.org'], env)
    expect(wrong).toMatchObject({ code: 1, out: expect.stringMatching(/ failed in invite: WRONG_NETWORK: .* give_up \d+ ms/) })
    expect(await call(['--once', '--key', 'wrong'], env)).toMatchObject({ code: 1, out: expect.stringMatching('UNAUTHORIZED') })
    expect(await inUse(pool)).toBe(0)
  })

  test.each([
    ['--every', '1'],
    ['--every', '8d'],
    ['--timeout', '0'],
    ['--metrics-port', 'x'],
    ['--invites', 'nowhere'],
  ])('refuses %s %s', async (...args) => {
    const env = { POOL_URL: 'http://unused.test', POOL_API_KEY: 'unused', POOL_ENVIRONMENT: 'dev' }
    expect(await call(['--once', ...args], env)).toMatchObject({ code: 2, err: expect.stringMatching('usage: canary') })
  })
})

describe('a slot', () => {
  test('is the same at any moment of it, and what it claims outlives it by a quarter of an hour', () => {
    const at = (iso: string) => slotOf(new Date(iso), 3_600_000)
    expect(at('2030-01-01T10:00:00Z')).toEqual(at('2030-01-01T10:59:59.999Z'))
    expect(at('2030-01-01T11:00:00Z').name).not.toBe(at('2030-01-01T10:59:59.999Z').name)
    expect(bodyOf(at('2030-01-01T10:20:00Z')).expiresAt).toBe('2030-01-01T11:15:00.000Z')
    expect(keyOf(at('2030-01-01T10:20:00Z'), 99).length).toBeLessThanOrEqual(128)
  })

  test('a duration is a number and a unit, from a second to a week', () => {
    expect(['1s', '90s', '15m', '1h', '7d'].map(parseDuration)).toEqual([1_000, 90_000, 900_000, 3_600_000, 604_800_000])
    for (const wrong of ['', '0s', '1', 'h', '1.5h', '-1h', '8d', '1 h', '999999999s'])
      expect(parseDuration(wrong), wrong).toBeNull()
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseDuration(text)
        expect(ms === null || (ms >= 1_000 && ms <= WEEK)).toBe(true)
      }),
    )
  })
})

test('an invite is on the network, ends in /v2 and has something in it', () => {
  const fault = (url: string | null) => inviteFault(url, ORIGINS)?.code ?? null
  expect(fault('https://dev.convos.org/v2?i=abc')).toBeNull()
  expect([fault(null), fault('nonsense')]).toEqual(['NO_INVITE', 'NO_INVITE'])
  expect(fault('https://popup.convos.org/v2?i=abc')).toBe('WRONG_NETWORK')
  expect([fault('https://dev.convos.org/v2'), fault('https://dev.convos.org/v3?i=a')]).toEqual(['NO_INVITE', 'NO_INVITE'])
  // whoever reads the log must not be able to join
  expect(JSON.stringify(inviteFault('https://popup.convos.org/v2?i=secret', ORIGINS))).not.toContain('secret')
})

import { eventually } from '@convos/sandbox/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startVirtual, type VirtualRailway } from './support/virtual-instances.ts'

type Instance = Awaited<ReturnType<VirtualRailway['instance']>>

let api: VirtualRailway
let box: Instance
let other: Instance
beforeAll(async () => {
  api = await startVirtual()
})
beforeEach(async ({ task }) => {
  const [one, two] = [`${task.id}1`, `${task.id}2`].map((id) =>
    id
      .replaceAll(/[^a-z0-9]/g, '')
      .slice(-12)
      .padStart(12, 'a'),
  )
  ;[box, other] = await Promise.all([api.instance(one), api.instance(two)])
})
afterEach(() => void api.faults.clear())
afterAll(() => api.close())

const HEALTH = '/pool/health'
const here = (more: object = {}) => ({ instanceId: box.instanceId, ...more })
const status = async (of: Instance, path = HEALTH) => (await of.call('GET', path)).status

describe('what its health says', () => {
  test('unhealthy: 503 and not ready, to strangers too; everything else is answered as ever', async () => {
    api.addFault({ kind: 'instance', how: 'unhealthy' }, here())
    expect(await box.call('GET', HEALTH)).toMatchObject({ status: 503, body: { ready: false, clean: true, binding: 'none' } })
    const stranger = await fetch(`http://${box.shell.domain}${HEALTH}`)
    expect([stranger.status, await stranger.json()]).toEqual([503, { ready: false, clean: true, version: 'virtual' }])
    expect((await box.provision('c1')).status).toBe(200)
    expect(await other.call('GET', HEALTH)).toMatchObject({ status: 200, body: { ready: true } })
  })

  test('dirty: ready, and not clean', async () => {
    api.addFault({ kind: 'instance', how: 'dirty' }, here(), 1)
    expect(await box.call('GET', HEALTH)).toMatchObject({ status: 200, body: { ready: true, clean: false, binding: 'none' } })
    expect(await box.health()).toMatchObject({ clean: true })
  })
})

describe('what stands in place of an answer', () => {
  test('one request of one instance is struck, or all of all', async () => {
    api.addFault({ kind: 'instance', how: 'error-500' }, here({ path: '/pool/provision', method: 'POST' }))
    expect([await status(box), (await box.provision('c1')).status, (await other.provision('c1')).status]).toEqual([200, 500, 200])
    api.faults.clear()
    api.addFault({ kind: 'instance', how: 'error-500' }, { path: '/pool/*' })
    expect([await status(box), await status(other)]).toEqual([500, 500])
  })

  test('as often as the rule says', async () => {
    api.addFault({ kind: 'instance', how: 'error-500' }, here(), 2)
    expect([await status(box), await status(box), await status(box)]).toEqual([500, 500, 200])
  })

  test('drop-before: it never happened; drop-after: it did, and nobody was told', async () => {
    api.addFault({ kind: 'instance', how: 'drop-before' }, here({ path: '/pool/provision' }), 1)
    await expect(box.provision('c1')).rejects.toThrow()
    expect(await box.health()).toMatchObject({ clean: true })
    api.addFault({ kind: 'instance', how: 'drop-after' }, here({ path: '/pool/provision' }), 1)
    await expect(box.provision('c1')).rejects.toThrow()
    await eventually('it is bound', async () => (await box.health())['claimId'] === 'c1')
  })

  test('hang-after: it happened, and the answer waits until the rule is cleared', async () => {
    const rule = api.addFault({ kind: 'instance', how: 'hang-after' }, here({ path: '/pool/provision' }), 1)
    const answer = box.provision('c1')
    await eventually('it happened', () => rule.held === 1)
    expect(await box.health()).toMatchObject({ claimId: 'c1', binding: 'active' })
    api.faults.clear(rule.id)
    expect((await answer).status).toBe(200)
  })

  test('unauthorized: 401 in spite of the right token', async () => {
    api.addFault({ kind: 'instance', how: 'unauthorized' }, here())
    expect(await box.call('GET', HEALTH)).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } })
  })

  test('redirect: 302 to wherever the rule says', async () => {
    api.addFault({ kind: 'instance', how: 'redirect', to: 'http://169.254.169.254/latest' }, here())
    const { status: code, headers } = await box.call('GET', HEALTH)
    expect([code, headers.get('location')]).toEqual([302, 'http://169.254.169.254/latest'])
    const add = (effect: object) => () => api.addFault(effect)
    expect(add({ kind: 'instance', how: 'redirect' })).toThrow('goes with redirect')
    expect(add({ kind: 'instance', how: 'hang', to: 'http://127.0.0.1/' })).toThrow('goes with redirect')
  })

  test('huge-body: it comes for as long as one reads, and nothing runs on once the reader has left', async () => {
    api.addFault({ kind: 'instance', how: 'huge-body' }, here())
    const leave = new AbortController()
    const response = await fetch(`http://${box.shell.domain}${HEALTH}`, { signal: leave.signal })
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > 110 * 1024 * 1024) break
    }
    leave.abort()
    expect([response.status, bytes > 110 * 1024 * 1024]).toEqual([200, true])
    api.faults.clear()
    expect(await status(box)).toBe(200)
  })

  test('hang: no answer for as long as one waits, and nothing has happened', async () => {
    const rule = api.addFault({ kind: 'instance', how: 'hang' }, here({ path: '/pool/provision' }))
    const leave = new AbortController()
    const waiting = fetch(`http://${box.shell.domain}/pool/provision`, { method: 'POST', signal: leave.signal })
    await eventually('it was struck', () => rule.hits === 1)
    expect(await box.health()).toMatchObject({ clean: true, binding: 'none' })
    leave.abort()
    await expect(waiting).rejects.toThrow('aborted')
  })

  test('exit: the connection breaks, and the process is started again with what its volume holds', async () => {
    await box.provision('c1')
    api.addFault({ kind: 'instance', how: 'exit' }, here(), 1)
    await expect(box.health()).rejects.toThrow('fetch failed')
    await eventually('it is back', async () => (await status(box)) === 200)
    expect(await box.health()).toMatchObject({ binding: 'active', claimId: 'c1' })
  })
})

test('slow-boot: a start takes so much longer, in simulated time', async () => {
  api.addFault({ kind: 'instance', how: 'slow-boot', ms: 90_000 }, here(), 1)
  api.addFault({ kind: 'instance', how: 'exit' }, here(), 1)
  await expect(box.health()).rejects.toThrow('fetch failed')
  await eventually('it is to start again', () => api.faults.list()[0]?.hits === 1)
  expect(await status(box)).toBe(404)
  api.clock.advance(90_000)
  await eventually('it is back', async () => (await status(box)) === 200)
})

test('an instance that is unhealthy from the start fails its deployment when its time is over', async () => {
  api.addFault({ kind: 'instance', how: 'unhealthy' }, { instanceId: 'zzzzzzzzzzzz' })
  const ailing = await api.begin('zzzzzzzzzzzz', {}, { healthcheckTimeout: 120 })
  await api.deployed(ailing.shell, 'DEPLOYING', 'RUNNING')
  api.clock.advance(121_000)
  await api.deployed(ailing.shell, 'FAILED', 'EXITED')
})

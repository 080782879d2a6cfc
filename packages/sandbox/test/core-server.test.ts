import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@convos/sandbox/testing'
import express, { Router } from 'express'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { serveSimulators, type SimulatorServer } from '../src/simulators/core/serve.ts'
import { instanceIdInMarker, type SimContext, type Simulator } from '../src/simulators/core/simulator.ts'
import { createGhcr } from '../src/simulators/ghcr/index.ts'
import { startSimulators } from '../src/simulators/server.ts'

/** A provider that keeps words. */
function wordKeeper(_context: SimContext): Simulator {
  let words: string[] = []
  const router = Router()
  router.use(express.json())
  router.get('/words', (_req, res) => void res.json(words))
  router.post('/words', (req, res) => {
    words.push(z.object({ word: z.string() }).parse(req.body).word)
    res.status(201).end()
  })
  router.get('/broken', () => {
    throw new Error('a bug')
  })
  return {
    name: 'bankr',
    prefix: '/bankr',
    router,
    resources: () => ({ words }),
    dump: () => words,
    load: (state) => void (words = z.array(z.string()).parse(state)),
    reset: () => void (words = []),
  }
}

let folder: string
const servers: SimulatorServer[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-core-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(servers.splice(0).map((server) => server.close()))
  await rm(folder, { recursive: true, force: true })
})
const serve = async (options: { port?: number; stateFile?: string } = {}) => {
  const server = await serveSimulators({ simulators: [wordKeeper, createGhcr], ...options })
  servers.push(server)
  return server
}
const say = ({ url }: SimulatorServer, word: unknown) =>
  fetch(`${url}/bankr/words`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ word }) })
const json = async (url: string) => (await fetch(url)).json()

describe('controls', () => {
  test('resources shows what exists at each provider', async () => {
    const server = await serve()
    await say(server, 'hello')
    expect(await json(`${server.url}/_control/resources`)).toEqual({ bankr: { words: ['hello'] }, ghcr: { tags: [] } })
  })

  test('requests lists what was asked, by provider and time, with the answer', async () => {
    const server = await serve()
    await say(server, 'hello')
    await say(server, 42)
    await fetch(`${server.url}/v2/?n=1`)
    const all = z.array(z.object({ at: z.string() }).loose()).parse(await json(`${server.url}/_control/requests`))
    expect(all).toEqual([
      { provider: 'bankr', method: 'POST', path: '/bankr/words', at: expect.any(String), status: 201 },
      { provider: 'bankr', method: 'POST', path: '/bankr/words', at: expect.any(String), status: 400 },
      { provider: 'ghcr', method: 'GET', path: '/v2/', at: expect.any(String), status: 401 },
    ])
    expect(await json(`${server.url}/_control/requests?provider=ghcr`)).toEqual([all[2]])
    const later = new Date(Date.now() + 60_000).toISOString()
    expect(await json(`${server.url}/_control/requests?since=${later}`)).toEqual([])
    expect(await json(`${server.url}/_control/requests?since=${all[0]?.at}`)).toEqual(all)
    expect((await fetch(`${server.url}/_control/requests?provider=nobody`)).status).toBe(400)
  })

  test('the clock is read and moved, forwards only', async () => {
    const server = await serve()
    const move = (advanceMs: number) =>
      fetch(`${server.url}/_control/clock`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ advanceMs }),
      })
    expect(await json(`${server.url}/_control/clock`)).toMatchObject({ offsetMs: 0 })
    expect(await (await move(3_600_000)).json()).toEqual({ now: expect.any(String), offsetMs: 3_600_000 })
    expect((await move(-1)).status).toBe(400)
    expect(server.clock.now().getTime()).toBeGreaterThan(Date.now() + 3_500_000)
  })

  test('DELETE goes back to empty', async () => {
    const server = await serve()
    await say(server, 'hello')
    server.faults.add({ provider: 'bankr', effect: { kind: 'status', status: 500 } })
    expect((await fetch(`${server.url}/_control`, { method: 'DELETE' })).status).toBe(204)
    expect(await json(`${server.url}/_control/requests`)).toEqual([])
    expect(await json(`${server.url}/_control/faults`)).toEqual([])
    expect(await json(`${server.url}/bankr/words`)).toEqual([])
  })
})

describe('the server', () => {
  test('survives bad input, a bug (told on its console), and paths that nobody serves', async () => {
    const consoleError = vi.spyOn(console, 'error').mockReturnValue()
    const server = await serve()
    const bad = await fetch(`${server.url}/bankr/words`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    expect(bad.status).toBe(400)
    expect((await fetch(`${server.url}/bankr/broken`)).status).toBe(500)
    expect(consoleError).toHaveBeenCalledExactlyOnceWith(expect.any(String), expect.objectContaining({ message: 'a bug' }))
    const nowhere = await fetch(`${server.url}/nowhere`)
    expect([nowhere.status, await nowhere.json()]).toEqual([404, { error: 'nothing is simulated at /nowhere' }])
    expect((await say(server, 'still here')).status).toBe(201)
  })

  test('keeps its state and its time over a restart on the same port', async () => {
    const stateFile = join(folder, 'deep', 'state.json')
    const first = await serve({ stateFile })
    await say(first, 'kept')
    first.clock.advance(1_000)
    await first.close()
    servers.pop()

    const second = await serve({ stateFile, port: Number(new URL(first.url).port) })
    expect(second.url).toBe(first.url)
    expect(await json(`${second.url}/bankr/words`)).toEqual(['kept'])
    expect(second.clock.offsetMs()).toBe(1_000)
  })

  test('stores each write soon after it, for its owner only', async () => {
    const stateFile = join(folder, 'state.json')
    const server = await serve({ stateFile })
    await say(server, 'kept')
    await eventually('stored', async () => (await readFile(stateFile, 'utf8')).includes('kept'))
    expect((await stat(stateFile)).mode & 0o077).toBe(0)
  })

  test('tells a simulator what is to become of its webhooks', async () => {
    const contexts: SimContext[] = []
    const curious = (context: SimContext) => {
      contexts.push(context)
      return wordKeeper(context)
    }
    const server = await serveSimulators({ simulators: [curious] })
    servers.push(server)
    const match = { operation: 'message.received' }
    server.faults.add({ provider: 'telnyx', match, times: 1, effect: { kind: 'webhook', how: 'lose' } })
    const fates = (eventType: string) =>
      [...(contexts[0]?.striking('webhook', { provider: 'telnyx', at: 'webhook', names: [eventType] }) ?? [])].map(
        (fault) => fault.effect.how,
      )
    expect([fates('message.sent'), fates('message.received'), fates('message.received')]).toEqual([[], ['lose'], []])
  })

  test('does not start on a state that it cannot read', async () => {
    const stateFile = join(folder, 'state.json')
    await writeFile(stateFile, '{ "half":')
    await expect(serve({ stateFile })).rejects.toThrow(`cannot restore the simulators from ${stateFile}`)
    expect(await readFile(stateFile, 'utf8')).toBe('{ "half":')
  })

  test('all simulators together answer behind one port', async () => {
    const server = await startSimulators()
    servers.push(server)
    expect(Object.keys(z.record(z.string(), z.unknown()).parse(await json(`${server.url}/_control/resources`)))).toEqual([
      'railway',
      'openrouter',
      'agentmail',
      'telnyx',
      'bankr',
      'convos',
      'ghcr',
    ])
  })
})

test('our marker names the instance, nothing else does', () => {
  expect(instanceIdInMarker('convos:3f2a:staging:abc123def456')).toBe('abc123def456')
  expect(instanceIdInMarker('Agent (convos:3f2a:staging:abc123def456).')).toBe('abc123def456')
  expect(instanceIdInMarker('convos.3f2a.staging.abc123def456')).toBe('abc123def456')
  expect(instanceIdInMarker('convos.3f2a:staging.abc123def456')).toBeNull()
  expect(instanceIdInMarker('convos:3f2a:staging:short')).toBeNull()
  expect(instanceIdInMarker(null)).toBeNull()
})

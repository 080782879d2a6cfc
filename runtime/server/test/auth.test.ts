import { createLogger, systemClock } from '@convos/kit'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createAgent } from '../src/agent.ts'
import { ownApp } from '../src/app.ts'
import { limits } from '../src/limits.ts'
import { type Box, openBox, type Token, world, type World } from './support/box.ts'

const Layer = z.object({
  route: z.object({ path: z.string(), methods: z.record(z.string(), z.boolean()) }).nullish(),
  // a mounted router is a function with a stack
  handle: z.custom<{ stack?: unknown[] }>((handle) => typeof handle === 'function'),
})

/** Every route of the real application, found by walking its routers. */
function routeTable(w: World): string[] {
  const log = createLogger('test', 'silent')
  const app = ownApp(createAgent(w.config, { clock: systemClock, log, limits }), w.config, log)
  const walk = (stack: unknown): string[] =>
    z
      .array(Layer)
      .parse(stack)
      .flatMap(({ route, handle }) => {
        if (route) return Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`)
        return walk(handle.stack ?? [])
      })
  return [...new Set(walk(app.router.stack))]
}

const CLASSES: Record<string, Exclude<Token, 'wrong'>> = {
  'GET /pool/health': null,
  'POST /pool/provision': 'control',
  'PATCH /pool/profile': 'control',
  'POST /pool/env': 'control',
  'POST /pool/cancel': 'control',
  'POST /pool/reset': 'control',
  'GET /convos/status': 'gateway',
  'POST /convos/conversation': 'gateway',
  'POST /convos/join': 'gateway',
  'POST /convos/rename': 'gateway',
  'POST /convos/lock': 'gateway',
  'POST /convos/explode': 'gateway',
  'POST /convos/reset': 'gateway',
  'POST /link/actions': 'link',
}

const statusWith = async (box: Box, route: string, token: Token) => {
  const [method = '', path = ''] = route.split(' ')
  return (await box.call(method, path, { token, ...(method !== 'GET' && { body: {} }) })).status
}

test('every route has an auth class', async () => {
  expect(routeTable(await world()).toSorted()).toEqual(Object.keys(CLASSES).toSorted())
})

describe.each(Object.entries(CLASSES).filter(([, needs]) => needs !== null))('%s', (route, needs) => {
  test('answers its own token only', async () => {
    const w = await world()
    const box = await openBox(w)
    const others = (['control', 'gateway', 'link'] as const).filter((token) => token !== needs)
    for (const token of [null, 'wrong', ...others] as const) expect(await statusWith(box, route, token), String(token)).toBe(401)
    expect((await box.health()).clean).toBe(true)
    expect(await statusWith(box, route, needs)).not.toBe(401)
  })
})

test('health tells strangers three things, and a wrong token nothing', async () => {
  const box = await openBox(await world())
  const open = await box.call('GET', '/pool/health', { token: null })
  expect(Object.keys(open.body).toSorted()).toEqual(['clean', 'ready', 'version'])
  expect(await statusWith(box, 'GET /pool/health', 'wrong')).toBe(401)
  expect(await statusWith(box, 'GET /pool/health', 'gateway')).toBe(401)
})

test('the page at / is for the gateway token; other paths are a JSON 404', async () => {
  const w = await world()
  const box = await openBox(w)
  expect(await statusWith(box, 'GET /', null)).toBe(401)
  expect(await statusWith(box, 'GET /', 'control')).toBe(401)
  await box.provision()
  expect(await box.call('GET', '/', { token: 'gateway' })).toEqual({
    status: 200,
    body: { engine: 'lite', instanceId: 'abcdefghijkl', agentName: 'Ada', binding: 'active' },
  })
  expect(await box.call('GET', '/elsewhere', { token: null })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  expect(await box.call('GET', '/pool/elsewhere')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
})

test('a WebSocket finds nobody here', async () => {
  const box = await openBox(await world())
  const socket = new WebSocket(box.url.replace('http', 'ws'))
  const outcome = await new Promise((resolve) => {
    socket.addEventListener('open', () => resolve('open'))
    socket.addEventListener('error', () => resolve('refused'))
  })
  expect(outcome).toBe('refused')
})

test('the convos command gets what it needs of the environment, and no token', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision({ env: { OVERLAY_SECRET: 'x' } })
  const { env } = w.network.questions.find(({ op }) => op === 'create') ?? {}
  const known = ['CONVOS_ENV', 'CONVOS_HOME', 'CONVOS_SANDBOX_URL', 'PATH', 'TMPDIR', 'XMTP_ENV']
  expect(env?.filter((name) => !name.startsWith('__')).toSorted()).toEqual(known)
})

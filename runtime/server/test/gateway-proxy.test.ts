import { connect } from 'node:net'
import { request } from 'node:http'
import { once } from 'node:events'
import fc from 'fast-check'
import { eventually } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { isOwn } from '../src/routes/own.ts'
import { gatewayWorld, openGatewayBox, Seen } from './support/gateway.ts'

const open = async (short: Parameters<typeof openGatewayBox>[1] = {}) => {
  const w = await gatewayWorld()
  const box = await openGatewayBox(w, short)
  return { w, box, port: Number(new URL(box.url).port) }
}

/** Sends these lines as they are, and answers with what came back until `until` or the end. */
async function raw(
  port: number,
  lines: string[],
  until = '\r\n\r\n',
): Promise<{ head: string; socket: ReturnType<typeof connect> }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  let head = ''
  while (!head.includes(until)) {
    const [data] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [unknown]
    if (!Buffer.isBuffer(data)) break
    head += data.toString()
  }
  return { head, socket }
}

test('what is not ours goes to the gateway, with who asked and without what is between two parties only', async () => {
  const { box } = await open()
  const seen = await new Promise<unknown>((resolve, reject) => {
    const headers = {
      host: 'agent.example',
      'x-forwarded-for': '203.0.113.7',
      connection: 'close, x-hop',
      'x-hop': '1',
      te: 'trailers',
      'keep-alive': '5',
      accept: 'a/b',
    }
    request(`${box.url}/chat?session=main`, { headers }, (res) => {
      let body = ''
      res.on('data', (part) => (body += part)).on('end', () => resolve(JSON.parse(body)))
    })
      .on('error', reject)
      .end()
  })
  const { url, headers } = Seen.parse(seen)
  expect(url).toBe('/chat?session=main')
  expect(headers).toMatchObject({
    accept: 'a/b',
    host: 'agent.example',
    'x-forwarded-host': 'agent.example',
    'x-forwarded-proto': 'http',
  })
  expect(headers['x-forwarded-for']).toMatch(/^203\.0\.113\.7,.*127\.0\.0\.1$/)
  for (const name of ['x-hop', 'te', 'keep-alive']) expect(headers).not.toHaveProperty(name)
})

test('who asks from this machine for himself is not made to look as if he came from elsewhere', async () => {
  const { box } = await open()
  const { headers } = Seen.parse(await (await fetch(`${box.url}/chat`)).json())
  expect(Object.keys(headers).filter((name) => name.startsWith('x-forwarded'))).toEqual([])
})

test('no connection to the gateway is used twice, for it may be closing; the caller’s own stays open', async () => {
  const { box } = await open()
  for (let i = 0; i < 3; i++) {
    const res = await fetch(`${box.url}/stale`)
    expect([res.status, res.headers.get('connection')]).toEqual([200, 'keep-alive'])
    await res.text()
  }
})

test('bodies stream both ways', async () => {
  const { box } = await open()
  const req = request(`${box.url}/stream`, { method: 'POST' })
  const heard: string[] = []
  req.on('response', (res) => res.setEncoding('utf8').on('data', (part: string) => void heard.push(part)))
  for (const word of ['one', 'two']) {
    req.write(word)
    await eventually(`${word} came back before the end`, () => heard.join('').includes(`heard ${word}`))
  }
  req.end()
})

describe('trouble is told as a problem', () => {
  test('503 while no gateway runs', async () => {
    const w = await gatewayWorld()
    w.misbehave({ crashes: true })
    const box = await openGatewayBox(w, { gatewayGiveUpAfter: 1, gatewayRetryMs: 60_000 }, { ready: false })
    await eventually('it gave up', () => w.starts().length === 1)
    const res = await eventually('none runs', async () => {
      const answer = await fetch(`${box.url}/`)
      return answer.status === 503 ? answer : null
    })
    expect(res.headers.get('content-type')).toBe('application/problem+json')
    expect(res.headers.get('retry-after')).toBe('5')
    expect(await res.json()).toMatchObject({ status: 503, code: 'GATEWAY_STARTING' })
  })

  test('502 when it goes away meanwhile', async () => {
    const { box, w } = await open()
    const asked = fetch(`${box.url}/never`)
    await eventually('the question is there', () => w.starts().length === 1)
    process.kill(w.starts()[0] ?? 0, 'SIGKILL')
    const res = await asked
    expect([502, 503]).toContain(res.status)
    expect(res.headers.get('content-type')).toBe('application/problem+json')
  })

  test('504 when it takes too long', async () => {
    const { box } = await open({ proxyIdleMs: 100 })
    const res = await fetch(`${box.url}/never`)
    expect(res.status).toBe(504)
    expect(await res.json()).toMatchObject({ code: 'GATEWAY_TIMEOUT' })
  })
})

test('WebSockets: handshake with its origin, bytes both ways, and no farewell needed', async () => {
  const { port, box } = await open()
  const { head, socket } = await raw(port, [
    'GET /ws HTTP/1.1',
    'Host: agent.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Origin: https://agent.example',
    'X-Forwarded-For: 203.0.113.7',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ])
  expect(head).toMatch(/^HTTP\/1.1 101 /)
  expect(head.toLowerCase()).toContain('x-origin: https://agent.example')
  // whoever has the token is the owner: the gateway asks browsers from elsewhere to be approved on its own machine
  expect(head.toLowerCase()).toContain('x-from: here')
  socket.write('ping')
  const [echo] = (await once(socket, 'data')) as [Buffer]
  expect(echo.toString()).toBe('ping')
  const closed = once(socket, 'close')
  await box.close()
  await closed
})

describe('our own paths never reach the gateway', () => {
  test.each([
    '/convos/turn',
    '/link/actions',
    '/pool/anything',
    '/CONVOS/turn',
    '//convos/turn',
    '/x/../convos/turn',
    '/%63onvos/turn',
    '/convos%2fturn',
  ])('%s', async (path) => {
    const { port, w, box } = await open()
    const { head } = await raw(port, [
      `POST ${path} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${box.agent.linkToken}`,
      'Content-Length: 0',
      'Connection: close',
    ])
    expect(head).toMatch(/^HTTP\/1.1 4\d\d /)
    expect(w.turns()).toEqual([])
    const upgrade = await raw(port, [`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket'])
    expect(upgrade.head).toMatch(/^HTTP\/1.1 404 /)
  })

  test('however they are written', () => {
    const written = fc.constantFrom('/', '//', '/./', '/a/../', '\\', '/%2e/', '%2f')
    const word = fc.constantFrom('pool', 'convos', 'link').map((name) =>
      Array.from(name)
        .map((letter, index) => (index % 2 === 0 ? `%${letter.charCodeAt(0).toString(16)}` : letter.toUpperCase()))
        .join(''),
    )
    fc.assert(
      fc.property(
        fc.array(written, { maxLength: 3 }),
        word,
        fc.constantFrom('', '/', '/x', '?y', '%2fx'),
        (before, name, after) => {
          expect(isOwn(`/${before.join('')}${name}${after}`)).toBe(true)
        },
      ),
    )
  })

  test('and nothing else is taken for one', () => {
    for (const path of ['/', '/chat', '/poolside', '/api/pool', '/assets/convos.js', '/?next=/pool/health', '*'])
      expect(isOwn(path), path).toBe(false)
  })

  test('no path makes it throw', () => {
    fc.assert(fc.property(fc.string(), (path) => typeof isOwn(path) === 'boolean'))
  })
})

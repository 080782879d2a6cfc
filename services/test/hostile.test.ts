import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import { INSTANCE_MAX_BYTES } from '../src/limits.ts'
import { probeDue } from '../src/probe.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

/** An instance runs what others tell it to: nothing but its own control token ever reaches it, and no answer of its can hold us up. */
let h: Harness
let box: { server: Server; received: string[]; sentBytes: number; answer: (req: IncomingMessage, res: ServerResponse) => void }
let elsewhere: { server: Server; received: string[] }

const listenOn = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const portOf = (server: Server) => (server.address() as AddressInfo).port
const record = async (req: IncomingMessage, into: string[]) => {
  let body = ''
  for await (const chunk of req) body += String(chunk)
  into.push(`${req.method} ${req.url}\n${JSON.stringify(req.headers)}\n${body}`)
}

beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
  elsewhere = { server: createServer((req) => void record(req, elsewhere.received)), received: [] }
  box = {
    received: [],
    sentBytes: 0,
    answer: (_req, res) => void res.end(),
    server: createServer((req, res) => void record(req, box.received).then(() => box.answer(req, res))),
  }
  await Promise.all([listenOn(elsewhere.server), listenOn(box.server)])
})
afterEach(async () => {
  for (const { server } of [box, elsewhere]) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await h.close()
})

const SPACE = Buffer.alloc(64 * 1024, ' ')
/** Sends without an end, until somebody hangs up. */
function endless(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'application/json' })
  const more = (): void => {
    while (!res.destroyed) {
      box.sentBytes += SPACE.length
      if (res.write(SPACE)) continue
      res.once('drain', more)
      break
    }
  }
  more()
}

const MOODS: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
  'answers 401': (_req, res) =>
    void res.writeHead(401, { 'www-authenticate': 'Bearer realm="give me the other one"' }).end('{"code":"UNAUTHORIZED"}'),
  'leads elsewhere': (_req, res) => {
    res.writeHead(302, { location: `http://127.0.0.1:${portOf(elsewhere.server)}/steal` }).end()
  },
  'leads elsewhere, body and all': (_req, res) => {
    res.writeHead(307, { location: `http://127.0.0.1:${portOf(elsewhere.server)}/steal` }).end()
  },
  'talks without an end': (_req, res) => endless(res),
  'says what no JSON is': (_req, res) => void res.end('<html>'),
  'hangs up': (req) => void req.socket.destroy(),
}

describe.each(Object.entries(MOODS))('an instance that %s', (_name, answer) => {
  test('learns nothing but its own control token, and everything asked of it ends', async () => {
    const id = newId()
    await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: id, image: IMAGE }).expect(202)
    await h.reach(id, 'deploying')
    await h.ctx.db.query(`update instance_infra set phase = 'running', url = $2 where instance_id = $1`, [
      id,
      `http://127.0.0.1:${portOf(box.server)}`,
    ])
    box.answer = answer

    await h.ctx.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
    await probeDue(h.ctx, [id], new AbortController().signal)
    const claim = {
      claimId: 'claim-1',
      agentName: 'A',
      instructions: 'B',
      model: null,
      owner: null,
      templateId: null,
      allowedTools: [],
    }
    const configured = await request(h.app).post(`/configure/${id}`).set(h.headers).send(claim)
    expect(configured.body).toMatchObject({ fault: 'instance' })
    await request(h.app).patch(`/configure/${id}`).set(h.headers).send({ agentName: 'C' })
    await request(h.app).post(`/cancel/${id}`).set(h.headers).send({ claimId: 'claim-1' })

    expect(elsewhere.received).toEqual([])
    expect(box.received).toHaveLength(4)
    const env = h.infra.live()[0]?.deployments[0]?.desired.env ?? {}
    const heard = box.received.join('\n')
    for (const line of box.received) expect(line).toContain(`Bearer ${env['INSTANCE_CONTROL_TOKEN']}`)
    const others = [
      ...h.config.apiKeys,
      h.config.railway.token,
      h.config.openrouter?.managementKey ?? '',
      ...['OPENCLAW_GATEWAY_TOKEN', 'INSTANCE_SERVICES_TOKEN', 'SETUP_PASSWORD', 'OPENROUTER_API_KEY', 'PRIVATE_WALLET_KEY'].map(
        (name) => env[name] ?? '',
      ),
    ]
    for (const secret of others) {
      expect(secret.length).toBeGreaterThan(15)
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
        expect(heard).not.toContain(form)
    }
    // what lies in buffers on the way was sent without having been taken
    expect(box.sentBytes).toBeLessThan(4 * (INSTANCE_MAX_BYTES + 8 * 1024 * 1024))
    expect((await h.row(id)).health).toBeNull()
  })
})

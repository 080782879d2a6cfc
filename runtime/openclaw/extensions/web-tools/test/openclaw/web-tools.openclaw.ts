import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GATEWAY_TOKEN, INSTANCE, linkIn, SERVICES_TOKEN } from '../support.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { obedientModel } from './model.ts'

const TOOL = {
  toolId: 'email',
  name: 'AgentMail',
  resourceId: 'r',
  state: 'active',
  allowed: false,
  config: { address: 'a@b.example' },
}
const services = createServer((req, res) => {
  const known = req.url === `/tools/${INSTANCE}` && req.headers.authorization === `Bearer ${SERVICES_TOKEN}`
  const [status, body] = known ? [200, { tools: [TOOL] }] : [403, { code: 'NOT_YOURS' }]
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})

const model = obedientModel()
async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

let box: Gateway
beforeAll(async () => {
  box = await startGateway(await listen(model), {
    SERVICES_URL: await listen(services),
    INSTANCE_SERVICES_TOKEN: SERVICES_TOKEN,
    INSTANCE_ID: INSTANCE,
  })
})
afterAll(async () => {
  // none when it did not start
  await (box as Gateway | undefined)?.stop()
  for (const server of [services, model]) {
    server.closeAllConnections()
    server.close()
  }
})

describe('in the real gateway', () => {
  test('the tools are there, and reach services', async () => {
    expect(await box.use('list_tools')).toBe('email (AgentMail): ready; address: a@b.example')
    expect(await box.use('credits')).toBe('This is allowed for your own tools only.')
    expect(await box.use('provision_tool', { toolId: 'wallet' })).toContain('The input is not right')
  })

  test('a form goes all the way to a browser and back', async () => {
    const made = await box.use('make_form', { title: 'Trip', fields: [{ name: 'city', label: 'Where to?' }] })
    const link = linkIn(made)
    expect(link.startsWith(`${box.url}/web-tools/forms/`)).toBe(true)
    const page = await fetch(link)
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringContaining("default-src 'none'"),
    ])
    expect(await page.text()).toContain('Where to?')
    const thanks = await fetch(link, { method: 'POST', body: new URLSearchParams({ city: 'Oslo' }) })
    expect([thanks.status, await thanks.text()]).toEqual([200, expect.stringContaining('Thank you')])
    expect(await box.use('read_form', { id: /Form (\S+)\./.exec(made)?.[1] })).toContain('Where to? "Oslo"')
  })

  test('a page is let in by its link alone, never by the gateway’s token', async () => {
    const link = linkIn(await box.use('status_link'))
    expect(link).not.toContain(GATEWAY_TOKEN)
    // as it comes through the agent server in front
    const forwarded = { 'x-forwarded-for': '203.0.113.5', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'agent.example' }
    expect(await (await fetch(link, { headers: forwarded })).text()).toContain('AgentMail')
    const headers = { authorization: `Bearer ${GATEWAY_TOKEN}` }
    for (const path of ['/web-tools', '/web-tools/status', new URL(link).pathname.replace(/.$/, '_')])
      expect((await fetch(`${box.url}${path}`, { headers })).status).toBe(403)
  })

  test('variables that arrive while it runs are there at once, for tools and for commands, and are not shown', async () => {
    expect(await box.run('agentmail address')).toContain('you have no mailbox yet')
    await box.overlay({
      AGENTMAIL_INBOX_ID: 'a@b.example',
      AGENTMAIL_API_KEY: 'a-key-of-the-inbox',
      TELNYX_API_KEY: 'KEY-x',
      TELNYX_PHONE_NUMBER: '+1',
    })
    expect(await box.run('agentmail address')).toContain('a@b.example')
    expect(await box.run('with-env sh -c "echo key: $(printf %s \\$AGENTMAIL_API_KEY)"')).toContain('key: [hidden]')
    expect(await box.use('sms_read')).toContain('belongs to the Telnyx account')
  })

  test('nothing secret is in its log', () => {
    for (const secret of [GATEWAY_TOKEN, SERVICES_TOKEN, 'a-key-of-the-inbox']) expect(box.output()).not.toContain(secret)
  })
})

import { realpathSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Place } from './place.ts'

const linkIn = (text: string) => /http\S+/.exec(text)?.[0] ?? ''

/** What the agent of a claimed box can do, and what its pages let in. */
export function testTools(the: () => { p: Place; id: string; alice: string }): void {
  /** A link of the agent's as this machine reaches it. */
  const here = (link: string) => {
    const { origin, pathname, search } = new URL(link)
    expect(origin).toBe('https://agent.up.example.org')
    return the().p.box.url + pathname + search
  }

  test('they are there, and reach services', async () => {
    const { p } = the()
    expect(await p.use('list_tools')).toBe('email (AgentMail): ready; address: a@b.example')
    expect(await p.use('credits')).toBe('This is allowed for your own tools only.')
    expect(await p.use('provision_tool', { toolId: 'wallet' })).toContain('The input is not right')
  })

  test('a form goes all the way to a browser and back', async () => {
    const { p } = the()
    const made = await p.use('make_form', { title: 'Trip', fields: [{ name: 'city', label: 'Where to?' }] })
    const link = here(linkIn(made))
    expect(link.startsWith(`${p.box.url}/web-tools/forms/`)).toBe(true)
    const page = await fetch(link)
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringContaining("default-src 'none'"),
    ])
    expect(await page.text()).toContain('Where to?')
    const thanks = await fetch(link, { method: 'POST', body: new URLSearchParams({ city: 'Oslo' }) })
    expect([thanks.status, await thanks.text()]).toEqual([200, expect.stringContaining('Thank you')])
    expect(await p.use('read_form', { id: /Form (\S+)\./.exec(made)?.[1] })).toContain('Where to? "Oslo"')
  })

  test('a page is let in by its link alone, never by the gateway’s token', async () => {
    const { p } = the()
    const made = await p.use('status_link')
    const token = p.env.OPENCLAW_GATEWAY_TOKEN
    expect(made).not.toContain(token)
    const link = here(linkIn(made))
    const forwarded = { 'x-forwarded-for': '203.0.113.5', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'agent.example' }
    expect(await (await fetch(link, { headers: forwarded })).text()).toContain('AgentMail')
    const headers = { authorization: `Bearer ${token}` }
    for (const path of ['/web-tools', '/web-tools/status', new URL(link).pathname.replace(/.$/, '_')])
      expect((await fetch(p.box.url + path, { headers })).status).toBe(403)
  })

  test('variables that arrive while it runs are there at once, for tools and for commands, and are not shown', async () => {
    const { p, id, alice } = the()
    const overlay = async (env: Record<string, string | null>) =>
      expect((await p.box.call('POST', '/pool/env', { body: { env } })).status).toBe(200)
    const secrets = { AGENTMAIL_API_KEY: 'a-key-of-the-inbox', TELNYX_API_KEY: 'a-key-of-telnyx' }
    const env = { AGENTMAIL_INBOX_ID: 'a@b.example', TELNYX_PHONE_NUMBER: '+1', ...secrets }
    await overlay(Object.fromEntries(Object.keys(env).map((name) => [name, null])))
    expect(await p.answer(id, alice, 'RUN: agentmail address')).toContain('you have no mailbox yet')
    await overlay(env)
    expect(await p.answer(id, alice, 'RUN: agentmail address')).toContain('a@b.example')
    const shown = await p.answer(id, alice, 'RUN: with-env sh -c "echo key: $(printf %s \\$AGENTMAIL_API_KEY)"')
    expect(shown).toContain('key: [hidden]')
    expect(await p.use('sms_read')).toContain('belongs to the Telnyx account')
    for (const value of [...Object.values(secrets), p.env.INSTANCE_SERVICES_TOKEN]) expect(p.box.output()).not.toContain(value)
  })

  test('its shell finds our commands and our Node before the machine’s, and not the control token', async () => {
    const { p, id, alice } = the()
    const found = await p.answer(id, alice, 'RUN: command -v agentmail; command -v with-env; command -v node')
    const [agentmail, withEnv, node] = /It said: ([^]*)/.exec(found)?.[1]?.trim().split('\n') ?? []
    expect(agentmail).toMatch(/\.bundle\/openclaw\/bin\/agentmail$/)
    expect(withEnv).toMatch(/\.bundle\/openclaw\/bin\/with-env$/)
    expect(node && realpathSync(node)).toBe(process.execPath)
    const known = await p.answer(id, alice, 'RUN: env; tr "\\0" "\\n" < /proc/$PPID/environ')
    expect(known).toContain('PATH=')
    expect(known).not.toContain(p.env.INSTANCE_CONTROL_TOKEN)
  })
}

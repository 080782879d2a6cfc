import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSimulators } from '@convos/sandbox'
import { eventually } from '@convos/sandbox/testing'
import { onTestFailed, onTestFinished } from 'vitest'
import { z } from 'zod'
import { spawnBox, world } from '../support/box.ts'

const CONVOS = fileURLToPath(new URL('../../../../packages/sandbox/bin/convos', import.meta.url))
const BOOT_MS = 180_000

const Key = z.object({ key: z.string() })
const Messages = z.object({ messages: z.array(z.object({ id: z.string(), text: z.string(), senderInboxId: z.string() })) })
const Admission = z.object({ inboxId: z.string() })
const Created = z.object({ id: z.string(), invite: z.object({ url: z.string() }) })

/** The sandbox's Convos and OpenRouter, and a box whose engine is the real gateway. */
export async function place() {
  const simulators = await startSimulators()
  onTestFinished(() => simulators.close())
  const call = async (url: string, method: string, body?: object, headers: Record<string, string> = {}): Promise<unknown> => {
    const res = await fetch(simulators.url + url, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!res.ok) throw new Error(`${method} ${url} answered ${res.status}: ${await res.text()}`)
    return await res.json()
  }
  const management = { authorization: 'Bearer sandbox-management-key' }
  const { key } = Key.parse(await call('/openrouter/api/v1/keys', 'POST', { name: 'a key' }, management))
  const w = await world({
    AGENT_ENGINE: 'openclaw',
    LOG_LEVEL: 'info',
    CONVOS_BIN: CONVOS,
    CONVOS_SANDBOX_URL: `${simulators.url}/convos`,
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: process.env['HOME'] ?? '/',
    OPENROUTER_API_URL: `${simulators.url}/openrouter/api/v1`,
    OPENROUTER_API_KEY: key,
    OPENCLAW_PRIMARY_MODEL: 'sandbox/echo',
  })

  const convos = (path: string, method: string, body?: object) => call(`/convos/api${path}`, method, body)
  const slugOf = (inviteUrl: unknown) => new URL(String(inviteUrl)).searchParams.get('i') ?? ''
  return {
    w,
    convos,
    /** A box whose gateway is ready. */
    async open() {
      const box = await spawnBox(w)
      onTestFailed(() => console.error(box.output()))
      await eventually('the gateway is ready', async () => (await box.health()).ready, { timeoutMs: BOOT_MS, everyMs: 250 })
      return box
    },
    /** Every further completion is refused so. */
    fail: (provider: string, status: number) =>
      call('/_control/faults', 'POST', {
        provider,
        match: { path: '/chat/completions' },
        times: 100,
        effect: { kind: 'status', status, body: { error: { code: status, message: 'refused by the test' } } },
      }),
    /** One that a person made, and is in. */
    async conversationOf(name: string) {
      const { id, invite } = Created.parse(await convos('/conversations', 'POST', { name: 'Friends' }))
      return { id, inviteUrl: invite.url, person: await this.joins(invite.url, name) }
    },
    async joins(inviteUrl: unknown, name: string): Promise<string> {
      return Admission.parse(await convos(`/invites/${slugOf(inviteUrl)}/join`, 'POST', { name, kind: 'person' })).inboxId
    },
    say: (id: string, senderInboxId: string, text: string) =>
      convos(`/conversations/${id}/messages`, 'POST', { senderInboxId, text }),
    texts: async (id: string) =>
      Messages.parse(await convos(`/conversations/${id}/messages`, 'GET')).messages.map(({ text }) => text),
  }
}

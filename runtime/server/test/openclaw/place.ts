import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSimulators } from '@convos/sandbox'
import { eventually } from '@convos/sandbox/testing'
import { z } from 'zod'
import { type Process, secret, startProcess } from '../support/box.ts'
import { startModel } from './model.ts'

const CONVOS = fileURLToPath(new URL('../../../../packages/sandbox/bin/convos', import.meta.url))
const START = fileURLToPath(new URL('../../../scripts/entrypoint.sh', import.meta.url))
const BOOT_MS = 180_000
const ANSWER_MS = 120_000

const Key = z.object({ key: z.string() })
const Messages = z.object({ messages: z.array(z.object({ id: z.string(), text: z.string(), senderInboxId: z.string() })) })
const Admission = z.object({ inboxId: z.string() })
const Created = z.object({ id: z.string(), invite: z.object({ url: z.string() }) })
const Invoked = z.object({ ok: z.literal(true), result: z.object({ content: z.array(z.object({ text: z.string() })) }) })

export type Place = Awaited<ReturnType<typeof startPlace>>

/** A box as it starts in the image, its engine the real gateway, in a world of the sandbox's simulators. */
export async function startPlace() {
  const [simulators, services, folder] = await Promise.all([
    startSimulators(),
    startServices(),
    mkdtemp(join(tmpdir(), 'agent-openclaw-')),
  ])
  const volume = join(folder, 'volume')
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
  const model = await startModel(`${simulators.url}/openrouter/api/v1`)
  const env = {
    // the scripts find the right Node by themselves
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: folder,
    RAILWAY_VOLUME_MOUNT_PATH: volume,
    RAILWAY_PUBLIC_DOMAIN: 'agent.up.example.org',
    INSTANCE_ID: services.instanceId,
    INSTANCE_CONTROL_TOKEN: `control-${secret()}`,
    OPENCLAW_GATEWAY_TOKEN: `gateway-${secret()}`,
    SERVICES_URL: services.url,
    INSTANCE_SERVICES_TOKEN: services.token,
    CONVOS_BIN: CONVOS,
    CONVOS_SANDBOX_URL: `${simulators.url}/convos`,
    OPENROUTER_API_URL: model.url,
    OPENROUTER_API_KEY: key,
    OPENCLAW_PRIMARY_MODEL: 'sandbox/echo',
  }
  let box: Process | undefined
  const close = async () => {
    await box?.terminate()
    await Promise.all([simulators.close(), services.close(), model.close()])
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    box = await startProcess(env, [START])
  } catch (err) {
    await close()
    throw err
  }
  const { url, health } = box

  const convos = (path: string, method: string, body?: object) => call(`/convos/api${path}`, method, body)
  const slugOf = (inviteUrl: unknown) => new URL(String(inviteUrl)).searchParams.get('i') ?? ''
  const joins = async (inviteUrl: unknown, name: string): Promise<string> =>
    Admission.parse(await convos(`/invites/${slugOf(inviteUrl)}/join`, 'POST', { name, kind: 'person' })).inboxId
  const texts = async (id: string) =>
    Messages.parse(await convos(`/conversations/${id}/messages`, 'GET')).messages.map((message) => message.text)
  const say = (id: string, senderInboxId: string, text: string) =>
    convos(`/conversations/${id}/messages`, 'POST', { senderInboxId, text })

  return {
    box,
    env,
    volume,
    model,
    close,
    isReady: () => eventually('the gateway is ready', async () => (await health()).ready, { timeoutMs: BOOT_MS, everyMs: 250 }),
    /** Every further completion is refused so. */
    refuse: (status: number) =>
      call('/_control/faults', 'POST', {
        provider: 'openrouter',
        match: { path: '/chat/completions' },
        times: 100,
        effect: { kind: 'status', status, body: { error: { code: status, message: 'refused by the test' } } },
      }),
    /** One that a person made, and is in. */
    async conversationOf(name: string) {
      const { id, invite } = Created.parse(await convos('/conversations', 'POST', { name: 'Friends' }))
      return { id, inviteUrl: invite.url, person: await joins(invite.url, name) }
    },
    joins,
    say,
    texts,
    /** What is said after this. */
    async answer(id: string, senderInboxId: string, text: string): Promise<string> {
      const before = (await texts(id)).length
      await say(id, senderInboxId, text)
      const after = await eventually(
        `an answer to ${text}`,
        async () => {
          const now = await texts(id)
          return now.length > before + 1 ? now : null
        },
        { timeoutMs: ANSWER_MS },
      )
      return after.slice(before + 1).join('\n')
    },
    /** What the agent reads when it uses a tool. */
    async use(tool: string, args: object = {}): Promise<string> {
      const headers = { authorization: `Bearer ${env.OPENCLAW_GATEWAY_TOKEN}`, 'content-type': 'application/json' }
      const res = await fetch(`${url}/tools/invoke`, { method: 'POST', headers, body: JSON.stringify({ tool, args }) })
      const body: unknown = await res.json()
      const { data } = Invoked.safeParse(body)
      if (!data) throw new Error(`${tool} answered ${JSON.stringify(body)}`)
      return data.result.content.map((part) => part.text).join('')
    },
  }
}

const TOOL = {
  toolId: 'email',
  name: 'AgentMail',
  resourceId: 'r',
  state: 'active',
  allowed: false,
  config: { address: 'a@b.example' },
}

/** The public listener of services, for one instance that has a mailbox. */
async function startServices() {
  const [instanceId, token] = ['abcdefghijkl', `services-${secret()}`]
  const server = createServer((req, res) => {
    const known = req.url === `/tools/${instanceId}` && req.headers.authorization === `Bearer ${token}`
    const [status, body] = known ? [200, { tools: [TOOL] }] : [403, { code: 'NOT_YOURS' }]
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    instanceId,
    token,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

import { type AgentMail, AgentMailClient, AgentMailError } from 'agentmail'
import { expect } from 'vitest'
import { createAgentMail } from '../../src/simulators/agentmail/index.ts'
import { mount } from './mount.ts'

const ORGANIZATION_KEY = 'the-key-of-the-organization'

export type AgentMailApi = Awaited<ReturnType<typeof startAgentMail>>

/** The AgentMail simulator behind a real port, spoken to by the official SDK, and what most tests begin with. */
export async function startAgentMail() {
  const agentmail = await mount((ctx) => createAgentMail(ctx))
  // The SDK adds `/v0` by itself.
  const baseUrl = agentmail.url.replace(/\/v0$/, '')
  const sdk = (apiKey = ORGANIZATION_KEY) => new AgentMailClient({ apiKey, baseUrl, maxRetries: 0, timeoutInSeconds: 5 })

  const call = (method: string, path: string, options: { body?: unknown; headers?: Record<string, string> } = {}) =>
    fetch(agentmail.url + path, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ORGANIZATION_KEY}`, ...options.headers },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    })
  const control = (method: string, path: string, body: object) =>
    fetch(agentmail.controlUrl + path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

  const newInbox = (body: AgentMail.inboxes.CreateInboxRequest = {}) => sdk().inboxes.create(body)
  async function keyFor(inboxId: string, permissions?: AgentMail.ApiKeyPermissions) {
    const key = await sdk().inboxes.apiKeys.create(inboxId, { name: 'agent', ...(permissions && { permissions }) })
    if (!('apiKey' in key)) throw new Error('expected a bearer key')
    return key
  }
  return { ...agentmail, sdk, call, control, newInbox, keyFor }
}

/** How the request was refused; the test fails when it was not. */
export async function refusal(request: PromiseLike<unknown>) {
  const error: unknown = await Promise.resolve(request).then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof AgentMailError)) throw new Error('the request was not refused')
  return { status: error.statusCode, body: error.body }
}

export const absent = { status: 404, body: expect.objectContaining({ name: 'NotFoundError', code: 'not_found' }) as unknown }

import { randomBytes } from 'node:crypto'
import { HttpError } from '@convos/kit'
import type { Gate } from '../budget/gate.ts'
import { isKind, ProviderError } from '../infra/errors.ts'
import { INBOX_DELETING } from '../limits.ts'
import type { ResourceKind, ResourceRequest, ToolPlugin } from '../registry.ts'
import { NotYet } from '../saga.ts'
import { type AgentMailApi, createAgentMailApi, type Inbox } from './agentmail/api.ts'
import { keyIn, keyWith } from './key.ts'
import { gone } from './rest.ts'

export const AGENTMAIL_API_URL = 'https://api.agentmail.to/v0'

export interface AgentmailOptions {
  url: string
  apiKey: string
  /** A verified domain; null: the provider's own. */
  domain: string | null
}

/** Until the agent writes under its own name. */
const DISPLAY_NAME = 'Assistant'
/** Its name is not a secret, so somebody may have taken it; nobody has taken all of these. */
const NAMES = 3

/** An inbox of its own, and a key that opens nothing else. */
export function agentmail(options: AgentmailOptions | null, gate: Gate): ToolPlugin {
  const url = options?.url ?? ''
  const api = createAgentMailApi({ url, apiKey: options?.apiKey ?? '' }, gate)
  return {
    toolId: 'email',
    name: 'AgentMail',
    provisioning: ['pool'],
    available: options !== null,
    resources: [inboxes(api, options?.domain ?? null), keys(api, url)],
  }
}

/** A client id takes no colon. */
const clientIdOf = (key: string) => keyWith('.', key)
const keyOf = ({ client_id }: Inbox) => keyIn(client_id, '.')

function inboxes(api: AgentMailApi, domain: string | null): ResourceKind {
  /** An inbox that was made for this key is given back whatever name is asked for. */
  async function ensure({ instanceId, key }: ResourceRequest): Promise<Inbox> {
    for (let name = 1; ; name++) {
      const username = usernameOf(instanceId, key, name === 1 ? null : randomBytes(3).toString('hex'))
      try {
        return await api.createInbox({
          username,
          domain: domain ?? undefined,
          client_id: clientIdOf(key),
          display_name: DISPLAY_NAME,
        })
      } catch (err) {
        if (!isKind(err, 'conflict') || name === NAMES) throw err
      }
    }
  }

  return {
    kind: 'inbox',
    variables: ['AGENTMAIL_INBOX_ID'],
    repeat: 'same',
    async create(request) {
      const { inbox_id: address } = await ensure(request)
      return { resourceId: address, config: { address }, envVars: { AGENTMAIL_INBOX_ID: address } }
    },
    find: async (key) => (await inboxesOf(api, key)).map(({ inbox_id }) => inbox_id),
    async destroy(inboxId) {
      try {
        await gone(api.deleteInbox(inboxId))
      } catch (err) {
        if (codeOf(err) === 'resource_deleting') throw new NotYet(INBOX_DELETING, 'the inbox is being deleted')
        throw err
      }
    },
    list: async () =>
      (await api.inboxes()).flatMap((inbox) => {
        const key = keyOf(inbox)
        return key === null ? [] : [{ resourceId: inbox.inbox_id, key, createdAt: inbox.created_at }]
      }),
  }
}

function keys(api: AgentMailApi, url: string): ResourceKind {
  return {
    kind: 'key',
    variables: ['AGENTMAIL_API_KEY', 'AGENTMAIL_API_URL'],
    repeat: 'replace',
    async create({ key: name, made }) {
      const inboxId = made['inbox']
      if (inboxId === undefined) throw new Error('a key needs the inbox that it is for')
      const { api_key_id, api_key } = await api.createKey(inboxId, name)
      return {
        resourceId: `${inboxId}/${api_key_id}`,
        config: {},
        envVars: { AGENTMAIL_API_KEY: api_key, ...(url !== AGENTMAIL_API_URL && { AGENTMAIL_API_URL: url }) },
      }
    },
    async find(key) {
      const found = await Promise.all(
        (await inboxesOf(api, key)).map(async ({ inbox_id }) => {
          const ours = (await api.keys(inbox_id)).filter(({ name }) => name === key)
          return ours.map(({ api_key_id }) => `${inbox_id}/${api_key_id}`)
        }),
      )
      return found.flat()
    },
    async destroy(resourceId) {
      const slash = resourceId.lastIndexOf('/')
      await gone(api.deleteKey(resourceId.slice(0, slash), resourceId.slice(slash + 1)))
    },
    // they are listed inbox by inbox only, and go with their inbox
    list: null,
  }
}

const inboxesOf = async (api: AgentMailApi, key: string) => (await api.inboxes()).filter((inbox) => keyOf(inbox) === key)

/** Each inbox that the instance gets has a name of its own: an address that was deleted may never be free again. */
function usernameOf(instanceId: string, key: string, suffix: string | null): string {
  const [, , , , generation] = key.split(':')
  return ['agent', instanceId, generation, suffix].filter(Boolean).join('-')
}

const codeOf = (err: unknown) => (err instanceof ProviderError && err.cause instanceof HttpError ? err.cause.code : null)

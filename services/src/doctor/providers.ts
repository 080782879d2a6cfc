import { fault, ok, type Seen, warning } from '@convos/kit/doctor'
import { z } from 'zod'
import { openGate } from '../budget/gate.ts'
import type { Config } from '../config.ts'
import { createRestClient, type RestClient } from '../plugins/rest.ts'
import { createTelnyxClient } from '../plugins/telnyx/client.ts'
import { isKind } from '../infra/errors.ts'
import { refusedWith, whyNot } from './refusal.ts'

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const client = (provider: string, baseUrl: string, headers: Record<string, string>): RestClient =>
  createRestClient({ provider, baseUrl, headers, gate: openGate })

const Credits = z.object({ data: z.object({ total_credits: z.number(), total_usage: z.number() }) })

/** The kind of key, and the money on the account. */
export async function lookAtOpenRouter(account: NonNullable<Config['openrouter']>): Promise<Seen[]> {
  const call = client('openrouter', account.url, bearer(account.managementKey))
  const page = 'https://openrouter.ai/settings/management-keys'
  try {
    const { data } = await call('/credits', { operation: 'readCredits', reply: Credits })
    return [judgeCredit(data.total_credits - data.total_usage, account.limit)]
  } catch (err) {
    const status = refusedWith(err)
    if (status === 403)
      return [
        fault(
          'OPENROUTER_KEY_KIND',
          'OPENROUTER_MANAGEMENT_KEY is an ordinary key, which makes no keys',
          `make a management key at ${page}`,
        ),
      ]
    if (status !== null)
      return [fault('OPENROUTER_KEY', 'OpenRouter does not know OPENROUTER_MANAGEMENT_KEY', `make another at ${page}`)]
    return [whyNot('OpenRouter', err)]
  }
}

/** @param limit what one agent may spend per period, USD */
export function judgeCredit(left: number, limit: number): Seen {
  const seen = `${left.toFixed(2)} USD left on the account; one agent may spend ${limit}`
  const todo = 'add credit at https://openrouter.ai/credits: without it no agent can think'
  if (left <= 0) return fault('OPENROUTER_CREDIT', seen, todo)
  return left < limit ? warning('OPENROUTER_CREDIT_LOW', seen, todo) : ok('OPENROUTER', seen)
}

const Organization = z.object({ inbox_count: z.number(), inbox_limit: z.number().nullish() })

/** The reach of the key, and the room for inboxes. */
export async function lookAtAgentMail(account: NonNullable<Config['agentmail']>): Promise<Seen[]> {
  const call = client('agentmail', account.url, bearer(account.apiKey))
  const todo = "make a key of the whole organization in AgentMail's console"
  try {
    await call('/inboxes?limit=1', { operation: 'listInboxes', reply: z.object({ inboxes: z.array(z.unknown()) }) })
    const { inbox_count: count, inbox_limit: limit } = await call('/organizations', {
      operation: 'readOrganization',
      reply: Organization,
    })
    if (limit === undefined || limit === null) return [ok('AGENTMAIL', `${count} inboxes`)]
    const seen = `${count} of ${limit} inboxes`
    return [
      count < limit
        ? ok('AGENTMAIL', seen)
        : fault('AGENTMAIL_FULL', seen, 'delete some inboxes, or upgrade the plan: no agent gets mail'),
    ]
  } catch (err) {
    const status = refusedWith(err)
    if (status === 403) return [fault('AGENTMAIL_SCOPE', 'AGENTMAIL_API_KEY reaches less than the organization', todo)]
    if (status !== null) return [fault('AGENTMAIL_KEY', 'AgentMail does not know AGENTMAIL_API_KEY', todo)]
    return [whyNot('AgentMail', err)]
  }
}

/** The key, and what it takes to receive. */
export async function lookAtTelnyx(account: NonNullable<Config['telnyx']>, publicUrl: string | null): Promise<Seen[]> {
  const call = createTelnyxClient(account, openGate)
  const read = (path: string, operation: string) => call(path, { operation, reply: z.unknown() })
  const half = receives(account, publicUrl)
  try {
    await read('/phone_numbers?page[size]=1', 'listNumbers')
    const { messagingProfileId: profile } = account
    if (profile !== null) await read(`/messaging_profiles/${encodeURIComponent(profile)}`, 'readProfile')
    return [half ?? ok('TELNYX', 'the key sees numbers and profiles; texts are sent and received')]
  } catch (err) {
    if (isKind(err, 'not_found'))
      return [
        fault(
          'TELNYX_PROFILE',
          'there is no messaging profile TELNYX_MESSAGING_PROFILE_ID',
          'set it to one of the account, or leave it out: services makes its own',
        ),
      ]
    if (refusedWith(err) !== null)
      return [fault('TELNYX_KEY', 'Telnyx refuses TELNYX_API_KEY', 'make another at https://portal.telnyx.com, under API keys')]
    return [whyNot('Telnyx', err)]
  }
}

function receives({ publicKey }: NonNullable<Config['telnyx']>, publicUrl: string | null): Seen | null {
  const lacking = [...(publicKey === null ? ['TELNYX_PUBLIC_KEY'] : []), ...(publicUrl === null ? ['SERVICES_PUBLIC_URL'] : [])]
  if (lacking.length === 0) return null
  const todo = `set ${lacking.join(' and ')} too, or none of the variables of Telnyx`
  return warning('TELNYX_HALF_SET', `agents can send texts and receive none: ${lacking.join(' and ')} missing`, todo)
}

/** Whether it is a partner's key, and may be used from here. */
export async function lookAtBankr(account: NonNullable<Config['bankr']>): Promise<Seen[]> {
  const call = client('bankr', account.url, { 'x-partner-key': account.partnerKey })
  try {
    await call('/partner/wallets?limit=1', { operation: 'listWallets', reply: z.unknown() })
    return [ok('BANKR', 'the partner key is accepted')]
  } catch (err) {
    const status = refusedWith(err)
    if (status === 403)
      return [
        fault(
          'BANKR_SCOPE',
          'Bankr knows BANKR_API_KEY, and does not let it in from here',
          'let this address in, and see whether the partner account is active',
        ),
      ]
    if (status !== null)
      return [
        fault(
          'BANKR_KEY',
          'BANKR_API_KEY is no partner key, or an inactive one',
          'set it to the key that the partner account shows',
        ),
      ]
    return [whyNot('Bankr', err)]
  }
}

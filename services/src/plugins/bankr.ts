import { type Clock, type HttpError, systemClock } from '@convos/kit'
import { z } from 'zod'
import type { Gate } from '../budget/gate.ts'
import type { ToolPlugin } from '../registry.ts'
import { createRestClient, gone, type Meaning } from './rest.ts'

export const BANKR_API_URL = 'https://api.bankr.bot'

export interface BankrOptions {
  url: string
  partnerKey: string
}

/** The agent acts through its wallet; it pays for no models and launches no tokens. */
const KEY = {
  permissions: {
    walletApiEnabled: true,
    agentApiEnabled: true,
    llmGatewayEnabled: false,
    tokenLaunchApiEnabled: false,
    readOnly: false,
  },
}

/** The key is told with the wallet's first answer only. */
const Wallet = z.object({
  id: z.string(),
  evmAddress: z.string(),
  solAddress: z.string().nullish(),
  apiKey: z.string().nullish(),
})
const NewKey = z.object({ apiKey: z.string() })

/** A custodial wallet of its own, by a partner's account. The wallet is for ever; its key comes and goes. */
export function bankr(options: BankrOptions | null, gate: Gate, clock: Pick<Clock, 'now'> = systemClock): ToolPlugin {
  const url = options?.url ?? ''
  const call = createRestClient({
    provider: 'bankr',
    baseUrl: url,
    headers: { 'x-partner-key': options?.partnerKey ?? '' },
    gate,
    meaningOf: (refusal) => waitOf(refusal, clock.now()),
  })
  const keyOf = (id: string) => `/partner/wallets/${encodeURIComponent(id)}/api-key`

  /** The same key brings the same wallet back, by a 200 or a 409 that holds it. */
  const ensureWallet = (idempotencyKey: string, more: { apiKey?: typeof KEY }) =>
    call('/partner/wallets', {
      operation: 'createWallet',
      method: 'POST',
      json: { idempotencyKey, ...more },
      reply: Wallet,
      alsoOk: [409],
    })
  /** Takes the place of the key that the wallet had. */
  const issueKey = async (id: string) =>
    (await call(keyOf(id), { operation: 'createKey', method: 'POST', json: KEY, reply: NewKey })).apiKey

  return {
    toolId: 'crypto',
    name: 'Bankr',
    provisioning: ['pool'],
    available: options !== null,
    resources: [
      {
        kind: 'wallet',
        variables: ['BANKR_API_KEY', 'BANKR_API_URL'],
        repeat: 'same',
        async create({ key }) {
          const { id, evmAddress, solAddress, apiKey } = await ensureWallet(key, { apiKey: KEY })
          return {
            resourceId: id,
            config: { address: evmAddress, ...(solAddress && { solAddress }) },
            envVars: {
              BANKR_API_KEY: apiKey ?? (await issueKey(id)),
              ...(url !== BANKR_API_URL && { BANKR_API_URL: url }),
            },
          }
        },
        // lists do not tell what a wallet was created for, a repeated creation does; one that it makes has no key and costs nothing
        find: async (key) => [(await ensureWallet(key, {})).id],
        destroy: (id) => gone(call(keyOf(id), { operation: 'revokeKey', method: 'DELETE', reply: z.unknown() })),
        list: null,
        retained: 'resource',
      },
    ],
  }
}

const TooMany = z.object({ resetAt: z.number() })

/** A 429 tells in its body when the next request is welcome. */
function waitOf({ status, body }: HttpError, now: Date): Meaning | null {
  const { data } = status === 429 ? TooMany.safeParse(body) : {}
  return data ? { retryAfterMs: Math.max(0, data.resetAt - now.getTime()) } : null
}

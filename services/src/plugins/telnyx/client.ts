import type { HttpError } from '@convos/kit'
import { z } from 'zod'
import type { Gate } from '../../budget/gate.ts'
import type { ProviderErrorKind } from '../../infra/errors.ts'
import { createRestClient, type Meaning, type RestClient } from '../rest.ts'

export interface TelnyxAccount {
  url: string
  apiKey: string
}

/** One account at Telnyx. */
export const createTelnyxClient = ({ url, apiKey }: TelnyxAccount, gate: Gate): RestClient =>
  createRestClient({ provider: 'telnyx', baseUrl: url, headers: { authorization: `Bearer ${apiKey}` }, gate, meaningOf })

const Refusal = z.object({
  errors: z
    .tuple([
      z.object({
        code: z.coerce.string(),
        title: z.string().nullish(),
        source: z.object({ pointer: z.string().nullish() }).nullish(),
      }),
    ])
    .rest(z.unknown()),
})

const NUMBER_UNAVAILABLE = '85001'
const IN_USE = '10021'
/** Said of many things; of the number that was ordered, it means that somebody else has it. */
const REFUSED = ['10015', '10027']

/** Telnyx tells what is wrong by a code; its own words are kept, as nobody knows all of those. */
function meaningOf({ message, body }: HttpError): Meaning | null {
  const { data } = Refusal.safeParse(body)
  if (!data) return null
  const [{ code, title, source }] = data.errors
  const kind = kindOf(code, source?.pointer ?? '')
  return { message: `${message}: ${code} ${title ?? ''}`.trim(), ...(kind && { kind }) }
}

function kindOf(code: string, pointer: string): ProviderErrorKind | null {
  if (code === NUMBER_UNAVAILABLE) return 'conflict'
  if (REFUSED.includes(code) && pointer.startsWith('/phone_numbers')) return 'conflict'
  return code === IN_USE ? 'transient' : null
}

import { z } from 'zod'
import type { Gate } from '../../budget/gate.ts'
import { createTelnyxClient, type TelnyxAccount } from './client.ts'

const Sent = z.object({ data: z.object({ id: z.string(), to: z.tuple([z.object({ status: z.string() })]).rest(z.unknown()) }) })

/** Sends texts from our numbers; `state` is in Telnyx's words. Whether a text went whose answer was lost, nobody knows. */
export function createTelnyxMessages(account: TelnyxAccount, gate: Gate) {
  const call = createTelnyxClient(account, gate)
  return {
    /** @throws ProviderError */
    async send(text: { from: string; to: string; text: string }): Promise<{ providerId: string; state: string }> {
      const { data } = await call('/messages', { operation: 'sendMessage', method: 'POST', json: text, reply: Sent })
      return { providerId: data.id, state: data.to[0].status }
    },
  }
}

import { randomUUID } from 'node:crypto'
import { call, callTwice } from '@convos/agent-commands/http'
import { Credits, OwnTools, ProvisionToolReply, SmsMessage, SmsMessages } from '@convos/services/contract'
import type { ServicesSettings } from '../settings.ts'

/** Services' public listener, in the name of this instance. Everything it answers is free of secrets: variables come by the overlay. */
export function servicesClient(
  { SERVICES_URL: url, INSTANCE_SERVICES_TOKEN: token, INSTANCE_ID: id }: ServicesSettings,
  signal?: AbortSignal,
) {
  const common = { headers: { authorization: `Bearer ${token}` }, signal }
  const at = (path: string) => `${url}${path}`
  return {
    tools: async () => (await call(at(`/tools/${id}`), { ...common, reply: OwnTools })).tools,
    credits: () => call(at(`/credits/${id}`), { ...common, reply: Credits }),
    /** The same again is the same tool. */
    provision: (toolId: string) =>
      callTwice(at(`/provision/${id}/${encodeURIComponent(toolId)}`), {
        ...common,
        method: 'POST',
        json: {},
        reply: ProvisionToolReply,
      }),
    /** At most once: a repeat bears the key of the first try. */
    sendText: (json: { to: string; text: string }) =>
      callTwice(at(`/tools/${id}/sms/messages`), {
        ...common,
        headers: { ...common.headers, 'idempotency-key': randomUUID() },
        method: 'POST',
        json,
        reply: SmsMessage,
      }),
    async texts({ after, limit }: { after?: string | undefined; limit: number }) {
      const query = new URLSearchParams({ limit: String(limit), ...(after !== undefined && { after }) })
      return (await call(at(`/tools/${id}/sms/messages?${query.toString()}`), { ...common, reply: SmsMessages })).messages
    },
  }
}

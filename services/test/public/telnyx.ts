import { generateKeyPairSync, sign } from 'node:crypto'
import { requestJson } from '@convos/kit'
import { startSimulators } from '@convos/sandbox'
import { z } from 'zod'
import { openGate } from '../../src/budget/gate.ts'
import { createTelnyxMessages } from '../../src/plugins/telnyx/messages.ts'

/** Somebody who signs as Telnyx does. */
export function signer() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const x = z.object({ x: z.string() }).parse(publicKey.export({ format: 'jwk' })).x
  return {
    /** As the portal shows it. */
    publicKey: Buffer.from(x, 'base64url').toString('base64'),
    headers(body: string, at = Date.now()) {
      const timestamp = String(Math.floor(at / 1000))
      const signature = sign(null, Buffer.from(`${timestamp}|${body}`), privateKey).toString('base64')
      return { 'content-type': 'application/json', 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': signature }
    },
  }
}

/** What a webhook says of a text. */
export const eventOf = (type: string, p: { id: string; from: string; to: string; text: string; status?: string }) => ({
  data: {
    record_type: 'event',
    event_type: type,
    payload: { id: p.id, from: { phone_number: p.from }, to: [{ phone_number: p.to, status: p.status }], text: p.text },
  },
})

/** The simulated Telnyx, its webhooks going to `webhookUrl`. */
export async function startTelnyx(webhookUrl: string) {
  const sim = await startSimulators()
  const call = async <S extends z.ZodType>(path: string, reply: S, json?: unknown) => {
    const headers = { authorization: 'Bearer any-key' }
    const options = { headers, timeoutMs: 5_000, reply, ...(json === undefined ? {} : { method: 'POST' as const, json }) }
    return (await requestJson(sim.url + path, options)).data
  }
  const { publicKey } = await call('/_control/telnyx', z.object({ publicKey: z.string() }))
  const profile = await call('/telnyx/v2/messaging_profiles', z.object({ data: z.object({ id: z.string() }) }), {
    name: 'agents',
    whitelisted_destinations: ['US'],
    webhook_url: webhookUrl,
  })

  return {
    publicKey,
    texts: createTelnyxMessages({ url: `${sim.url}/telnyx/v2`, apiKey: 'any-key' }, openGate),
    faults: sim.faults,
    /** An active number that is ours. */
    async buy(): Promise<string> {
      const Found = z.object({ data: z.array(z.object({ phone_number: z.string() })) })
      const found = await call('/telnyx/v2/available_phone_numbers?filter[country_code]=US&filter[limit]=1', Found)
      const phone_number = found.data[0]?.phone_number ?? ''
      const order = { phone_numbers: [{ phone_number }], messaging_profile_id: profile.data.id }
      await call('/telnyx/v2/number_orders', z.unknown(), order)
      sim.clock.advance(5_000)
      return phone_number
    },
    /** Somebody texts a number of ours. */
    comesIn: (text: { from: string; to: string; text: string }) => call('/_control/telnyx/messages', z.unknown(), text),
    /** What was not taken is tried again, what was held back is let go. */
    later: () => sim.clock.advance(5_000),
    close: () => sim.close(),
  }
}

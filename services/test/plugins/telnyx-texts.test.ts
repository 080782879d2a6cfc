import { describe, expect, test } from 'vitest'
import { type Gate, openGate } from '../../src/budget/gate.ts'
import { telnyx } from '../../src/plugins/telnyx.ts'
import { createTelnyxMessages } from '../../src/plugins/telnyx/messages.ts'
import { keyOf, makeOne, newId, useProvider } from './world.ts'

const world = useProvider('telnyx')
const options = () => ({ url: world.url(), apiKey: 'ours', messagingProfileId: null, profileName: 'texts', webhookUrl: null })

async function newNumber(): Promise<string> {
  const instanceId = newId()
  const [resource] = telnyx(options(), openGate, { now: () => world.now() }).resources
  const { config } = await makeOne(world, resource, { instanceId, key: keyOf(instanceId), made: {} })
  return String(config['phoneNumber'])
}

describe('a text', () => {
  const send = (from: string) => createTelnyxMessages(options(), openGate).send({ from, to: '+14155550123', text: 'hi' })

  test('is taken by Telnyx', async () => {
    const { providerId, state } = await send(await newNumber())
    expect(state).toBe('queued')
    expect(await world.request('GET', `/messages/${providerId}`)).toMatchObject({ data: { text: 'hi', direction: 'outbound' } })
  })

  test('from a number that cannot text is refused, and was not sent', async () => {
    await expect(send('+13125550100')).rejects.toMatchObject({
      kind: 'permanent',
      uncertain: false,
      message: expect.stringContaining('40305') as string,
    })
  })

  test('whose answer was lost may have gone', async () => {
    const from = await newNumber()
    world.fault({ match: { path: '/messages' }, times: 1, effect: { kind: 'drop-after' } })
    await expect(send(from)).rejects.toMatchObject({ kind: 'transient', uncertain: true })
  })
})

describe('a claimer’s own number', () => {
  const closed: Gate = { pass: () => Promise.reject(new Error('what a claimer’s account is asked is not counted as ours')) }
  const own = () => telnyx(options(), closed).userConfig
  const ask = async (userConfig: unknown) => own()?.validate(userConfig)

  test('is accepted when its account has it', async () => {
    const telnyxPhone = await newNumber()
    expect(await ask({ telnyxApiKey: 'theirs', telnyxPhone })).toEqual({
      envVars: { TELNYX_API_KEY: 'theirs', TELNYX_PHONE_NUMBER: telnyxPhone },
    })
  })

  test('is refused when its account does not have it, though it looks like one that it has', async () => {
    const telnyxPhone = (await newNumber()).slice(0, -1)
    await expect(ask({ telnyxApiKey: 'theirs', telnyxPhone })).rejects.toMatchObject({
      name: 'UserConfigRejected',
      errors: [{ path: 'telnyxPhone' }],
    })
  })

  test.each([401, 403, 404])('is refused when Telnyx answers %i to the key', async (status) => {
    const telnyxPhone = await newNumber()
    world.fault({ effect: { kind: 'status', status, body: {}, headers: {} } })
    await expect(ask({ telnyxApiKey: 'theirs', telnyxPhone })).rejects.toMatchObject({
      name: 'UserConfigRejected',
      errors: [{ path: 'telnyxApiKey' }],
    })
  })

  test('is neither accepted nor refused while Telnyx cannot be asked', async () => {
    world.fault({ effect: { kind: 'status', status: 503, body: {}, headers: {} } })
    await expect(ask({ telnyxApiKey: 'theirs', telnyxPhone: '+13125550100' })).rejects.toMatchObject({ kind: 'transient' })
  })

  test.each([
    { telnyxApiKey: 'theirs', telnyxPhone: '3125550100' },
    { telnyxApiKey: 'theirs' },
    { telnyxApiKey: '', telnyxPhone: '+13125550100' },
    { telnyxApiKey: 'a\nb', telnyxPhone: '+13125550100' },
    { telnyxApiKey: 'theirs', telnyxPhone: '+13125550100', more: 1 },
  ])('is not even asked about with %j', (userConfig) => {
    expect(own()?.schema.safeParse(userConfig).success).toBe(false)
  })
})

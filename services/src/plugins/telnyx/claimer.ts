import { z } from 'zod'
import { openGate } from '../../budget/gate.ts'
import { isKind } from '../../infra/errors.ts'
import { type ToolPlugin, UserConfigRejected } from '../../registry.ts'
import { createTelnyxApi } from './api.ts'
import { createTelnyxClient } from './client.ts'

const UserConfig = z.strictObject({
  // what cannot stand in a header would be told back by whatever refuses it
  telnyxApiKey: z.string().regex(/^[\x21-\x7e]{1,256}$/, 'must be an API key of Telnyx'),
  telnyxPhone: z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be a number in E.164 form, e.g. +13125550123'),
})

/** A claimer's own account and number: the key goes to Telnyx and to the instance, nowhere else. */
export function claimersNumber(url: string): NonNullable<ToolPlugin['userConfig']> {
  return {
    schema: UserConfig,
    async validate(userConfig) {
      const { telnyxApiKey: apiKey, telnyxPhone: phoneNumber } = UserConfig.parse(userConfig)
      // what their account is refused says nothing about ours
      const api = createTelnyxApi(createTelnyxClient({ url, apiKey }, openGate))
      if ((await lookUp(() => api.owned(phoneNumber))) === null)
        throw new UserConfigRejected([{ path: 'telnyxPhone', message: 'the account of this API key does not have this number' }])
      return { envVars: { TELNYX_API_KEY: apiKey, TELNYX_PHONE_NUMBER: phoneNumber } }
    },
  }
}

async function lookUp<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (err) {
    // strangers are told 404 by some routes
    if (!isKind(err, 'auth', 'not_found')) throw err
    throw new UserConfigRejected([{ path: 'telnyxApiKey', message: 'Telnyx does not accept this API key' }])
  }
}

import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { ToolPlugin } from '../registry.ts'

/** An EVM wallet of its own for every instance: drawn here, known to nobody else. */
export const wallet: ToolPlugin = {
  toolId: 'wallet',
  name: 'Wallet',
  provisioning: ['always'],
  available: true,
  create() {
    const key = generatePrivateKey()
    const { address } = privateKeyToAccount(key)
    return Promise.resolve({ resourceId: address, config: { address }, envVars: { PRIVATE_WALLET_KEY: key } })
  },
  external: null,
}

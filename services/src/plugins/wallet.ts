import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { WALLET_RETAINED } from '../limits.ts'
import type { ToolPlugin } from '../registry.ts'

/** An EVM wallet of its own for every instance: drawn here, known to nobody else. */
export const wallet: ToolPlugin = {
  toolId: 'wallet',
  name: 'Wallet',
  provisioning: ['always'],
  available: true,
  resources: [
    {
      kind: 'wallet',
      variables: ['PRIVATE_WALLET_KEY'],
      // one that was drawn and not kept is nowhere
      repeat: 'replace',
      create() {
        const key = generatePrivateKey()
        const { address } = privateKeyToAccount(key)
        return Promise.resolve({ resourceId: address, config: { address }, envVars: { PRIVATE_WALLET_KEY: key } })
      },
      find: () => Promise.resolve([]),
      destroy: () => Promise.resolve(),
      list: null,
      // whoever has sent something to it may still want it back
      retained: { secretForMs: WALLET_RETAINED },
    },
  ],
}

import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { createSiweMessage } from 'viem/siwe'
import type { TestPool } from './harness.ts'

export type Wallet = PrivateKeyAccount
export const newWallet = (): Wallet => privateKeyToAccount(generatePrivateKey())

type Fields = Parameters<typeof createSiweMessage>[0]

/** What a wallet makes of a challenge: the fields of a claim's body. */
export async function signFor(pool: Pick<TestPool, 'call'>, wallet: Wallet, change: Partial<Fields> = {}) {
  const { body } = await pool.call('POST', '/api/pool/claim/challenge', { key: null })
  const { nonce, domain, uri, chainId, expiresAt } = body as Pick<Fields, 'nonce' | 'domain' | 'uri' | 'chainId'> & {
    expiresAt: string
  }
  const fields = { nonce, domain, uri, chainId, address: wallet.address, expirationTime: new Date(expiresAt), ...change }
  const ownerMessage = createSiweMessage({ ...fields, version: '1' })
  return { ownerMessage, ownerSignature: await wallet.signMessage({ message: ownerMessage }), nonce }
}

import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { WALLET_RETAINED } from '../../src/limits.ts'
import { wallet } from '../../src/plugins/wallet.ts'
import { keyOf, newId } from './world.ts'

const [resource] = wallet.resources
const draw = () => {
  const instanceId = newId()
  return resource.create({ instanceId, key: keyOf(instanceId), made: {} })
}

test('a wallet is its key’s, and nobody else’s', async () => {
  const [one, other] = [await draw(), await draw()]
  expect(Object.keys(one.envVars)).toEqual(['PRIVATE_WALLET_KEY'])
  const { address } = privateKeyToAccount(one.envVars['PRIVATE_WALLET_KEY'] as `0x${string}`)
  expect([one.resourceId, one.config]).toEqual([address, { address }])
  expect(other.resourceId).not.toBe(one.resourceId)
})

test('it is at no provider, and its key is kept a while after its instance', async () => {
  const { resourceId } = await draw()
  expect(await resource.find(keyOf(newId()))).toEqual([])
  await expect(resource.destroy(resourceId)).resolves.toBeUndefined()
  expect(resource.list).toBeNull()
  expect(resource.retained).toEqual({ secretForMs: WALLET_RETAINED })
})

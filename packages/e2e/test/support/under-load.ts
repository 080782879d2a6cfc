import { eventually } from '@convos/sandbox/testing'
import { expect } from 'vitest'
import type { Deployment } from './deployment.ts'
import { steadyClaims } from './traffic.ts'

/** More than are claimed while it happens: a claim that waits for an instance is sent away by a replica that stops. */
export const STOCK = 200

/** Lets something happen while ten claims a second come in: all are served, none twice. */
export async function underLoad(deployment: Deployment, happen: () => Promise<void>): Promise<void> {
  const { api } = deployment
  await eventually('the stock is there', async () => (await api.counts()).idle === STOCK, { timeoutMs: 120_000 })
  const traffic = steadyClaims(api)
  const sentBy = (n: number) => eventually(`${n} claims are sent`, () => traffic.sent() >= n, { timeoutMs: 60_000 })
  await sentBy(10)
  await happen()
  await sentBy(traffic.sent() + 10)
  const { claims, refused } = await traffic.stop()
  console.log(`${claims.length} of ${traffic.sent()} claims were served`)
  expect(refused).toEqual([])
  for (const id of ['claimId', 'instanceId', 'conversationId'] as const)
    expect(new Set(claims.map((claim) => claim[id])).size).toBe(claims.length)
  // what was told is what is known: nobody has one that the claimers were not told of, or has lost one
  const { claimed } = await api.agents()
  expect(claimed.map(({ id }) => id).toSorted()).toEqual(claims.map(({ instanceId }) => instanceId ?? '').toSorted())
}

import { setTimeout as sleep } from 'node:timers/promises'
import { doubles, quantile } from '../stats.ts'
import type { ClaimClient, Claimed } from './client.ts'

/** One after the other. */
export async function inSequence(client: ClaimClient, count: number): Promise<Claimed[]> {
  const claims: Claimed[] = []
  while (claims.length < count) claims.push(await client.claim())
  return claims
}

/** All at once; `ms` until the last one is answered. */
export async function atOnce(client: ClaimClient, count: number): Promise<{ claims: Claimed[]; ms: number }> {
  const began = performance.now()
  const claims = await Promise.all(Array.from({ length: count }, () => client.claim()))
  return { claims, ms: performance.now() - began }
}

/** Each at its time, however long those before it take: the load does not ease off when answers are late. */
export async function asTheyArrive(client: ClaimClient, arrivals: readonly number[], signal: AbortSignal): Promise<Claimed[]> {
  const began = performance.now()
  const claims: Promise<Claimed>[] = []
  for (const at of arrivals) {
    const early = began + at - performance.now()
    if (early > 1) await sleep(early, undefined, { signal })
    claims.push(client.claim())
  }
  return Promise.all(claims)
}

export interface Verdict {
  succeeded: number
  doubles: number
  /** What the others were refused with. */
  refusals: string
}

export function judge(claims: readonly Claimed[]): Verdict {
  const owners = claims.flatMap(({ instanceId }) => instanceId ?? [])
  const codes = claims.filter(({ instanceId }) => instanceId === null).map(({ status, code }) => `${status} ${code ?? ''}`.trim())
  return { succeeded: owners.length, doubles: doubles(owners), refusals: [...new Set(codes)].join(', ') }
}

export const times = (claims: readonly Claimed[]): number[] => claims.map((claim) => claim.ms)

/** How much slower the last window's slow ones are than the first's. */
export const flatness = (split: readonly number[][]): number =>
  quantile(split.at(-1) ?? [], 0.99) / quantile(split[0] ?? [], 0.99)

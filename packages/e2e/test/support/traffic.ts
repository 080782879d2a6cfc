import { type Claim } from '@convos/pool/contract'
import type { PoolClient } from './pool.ts'

const EVERY_MS = 100

export interface Traffic {
  /** How many claims were sent so far. */
  sent(): number
  /** Sends no more; returns once all are answered. */
  stop(): Promise<{ claims: Claim[]; refused: string[] }>
}

/** Ten claims a second, however long each takes. */
export function steadyClaims(api: PoolClient): Traffic {
  const asked: Promise<Claim | string>[] = []
  const one = async (n: number): Promise<Claim | string> => {
    try {
      const answer = await api.claim({ agentName: `Agent ${n}`, waitMs: 20_000 })
      return answer.status === 200 ? api.claimed(answer) : `claim ${n}: ${answer.status} ${JSON.stringify(answer.body)}`
    } catch (err) {
      return `claim ${n}: ${String(err)}`
    }
  }
  const sending = setInterval(() => asked.push(one(asked.length)), EVERY_MS)
  return {
    sent: () => asked.length,
    async stop() {
      clearInterval(sending)
      const answers = await Promise.all(asked)
      return {
        claims: answers.filter((answer) => typeof answer !== 'string'),
        refused: answers.filter((answer) => typeof answer === 'string'),
      }
    },
  }
}

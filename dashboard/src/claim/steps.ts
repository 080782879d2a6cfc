import type { Claim } from '@convos/pool/contract'
import type { Attempt } from './attempt.ts'

export interface Step {
  name: string
  state: 'waiting' | 'running' | 'done' | 'failed'
  ms: number | null
}

const WORDS: Record<Claim['steps'][number]['name'], string> = {
  queued: 'Take a ready agent',
  tools: 'Provision its tools',
  configure: 'Give it its name and instructions',
  joining: 'Join the conversation',
  done: 'Hand it over',
}

/** The way a claim goes: pool's own steps as far as it has told them, then what is still to come. */
export function stepsOf({ body }: Attempt, claim: Claim | null): Step[] {
  const way = (['queued', 'configure', 'joining', 'done'] as const).filter(
    (name) => name !== 'joining' || body.joinUrl !== undefined,
  )
  return way.map((name, index) => {
    const told = claim?.steps.find((step) => step.name === name)
    if (told) return { name: WORDS[name], state: told.state, ms: told.ms }
    return { name: WORDS[name], state: claim === null && index === 0 ? 'running' : 'waiting', ms: null }
  })
}

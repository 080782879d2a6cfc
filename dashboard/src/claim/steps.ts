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
const WAY = ['queued', 'tools', 'configure', 'joining', 'done'] as const

/** The way a claim goes: pool's own steps as far as it has told them, then what is still to come. */
export function stepsOf({ body, tools }: Attempt, claim: Claim | null): Step[] {
  const told = (name: (typeof WAY)[number]) => claim?.steps.find((step) => step.name === name)
  const way = WAY.filter((name) => {
    if (told(name)) return true
    // what pool is past and did not tell of was not on its way
    if (name === 'tools') return tools && !told('configure')
    return name !== 'joining' || body.joinUrl !== undefined
  })
  return way.map((name, index) => {
    const step = told(name)
    if (step) return { name: WORDS[name], state: step.state, ms: step.ms }
    return { name: WORDS[name], state: claim === null && index === 0 ? 'running' : 'waiting', ms: null }
  })
}

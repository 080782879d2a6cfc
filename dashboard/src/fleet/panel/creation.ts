import type { Instance, InstanceEvent } from '@convos/pool/contract'
import { changeOf, changesIn } from './timeline.ts'

export interface Step {
  name: string
  startedAt: string
  /** Null: it is still going on. */
  ms: number | null
  state: 'done' | 'running' | 'failed'
  error: string | null
  /** What else was seen meanwhile. */
  facts: string[]
  /** Which time it is that it does this: 2 is the first retry. */
  attempt: number
}

const FAILED = ['deploy_failed', 'unreachable']
const NAMES: Record<string, string> = {
  created: 'Asked for',
  queued: 'Waiting for its turn',
  creating: 'Making its resources',
  deploying: 'Deploying',
  deploy_failed: 'Deployment failed',
  healthy: 'Answering',
  unreachable: 'Not answering',
}

/** How it came to be ready, from its events: each phase with how long it took, up to the moment when it was proven ready. */
export function creationOf(events: readonly InstanceEvent[]): Step[] {
  const inOrder = events.toSorted((a, b) => a.at.localeCompare(b.at) || Number(a.id) - Number(b.id))
  const end = inOrder.find(({ to }) => to === 'ready' || to === 'stuck' || to === 'deleting')
  const marks: { phase: string; at: string; facts: string[] }[] = []
  for (const { type, at, detail } of inOrder) {
    if (end && at > end.at) break
    if (type === 'created') marks.push({ phase: 'created', at, facts: [] })
    if (type !== 'observed') continue
    const phase = changeOf(detail?.['phase'])?.to
    if (phase !== undefined) marks.push({ phase, at, facts: [] })
    marks.at(-1)?.facts.push(...changesIn(detail))
  }
  const times = new Map<string, number>()
  return marks.map(({ phase, at, facts }, index) => {
    const next = marks[index + 1]?.at ?? end?.at
    const attempt = (times.get(phase) ?? 0) + 1
    times.set(phase, attempt)
    const failed = FAILED.includes(phase) || (next === end?.at && end !== undefined && end.to !== 'ready')
    return {
      name: NAMES[phase] ?? phase.replaceAll('_', ' '),
      startedAt: at,
      ms: next === undefined ? null : Date.parse(next) - Date.parse(at),
      state: failed ? 'failed' : next === undefined ? 'running' : 'done',
      error: failed && next === end?.at ? (end?.reason ?? null) : null,
      attempt,
      facts,
    }
  })
}

/** From its creation until it was ready, ms; null when it is not, or not known. */
export const warmUpOf = ({ createdAt, readyAt }: Pick<Instance, 'createdAt' | 'readyAt'>): number | null =>
  readyAt === null ? null : Date.parse(readyAt) - Date.parse(createdAt)

import type { Instance, InstanceEvent } from '@convos/pool/contract'
import { Age } from '../../ui/Age.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatDuration, formatMoment, sentence } from '../../ui/format.ts'
import { creationOf, type Step, warmUpOf } from './creation.ts'

/** How it came to be: its phases, how long each took, and what failed. */
export function Creation({ instance }: { instance: Instance & { events: InstanceEvent[] } }) {
  const steps = creationOf(instance.events)
  const warmUp = warmUpOf(instance)
  if (steps.length === 0)
    return (
      <EmptyState
        what="Its beginning is not told any more."
        hint="The latest 200 events are shown, and it was created before them."
      />
    )
  const longest = Math.max(1, ...steps.map(({ ms }) => ms ?? 0))
  return (
    <>
      <ol className="phases">
        {steps.map((step) => (
          <Phase key={step.startedAt + step.name} step={step} longest={longest} />
        ))}
      </ol>
      {warmUp !== null && <p className="hint">Ready {formatDuration(warmUp)} after it was created.</p>}
    </>
  )
}

function Phase({ step: { name, ms, state, error, startedAt, attempt, facts }, longest }: { step: Step; longest: number }) {
  return (
    <li className={`phase phase-${state}`}>
      <span className="phase-name">
        {name}
        {attempt > 1 && <span className="hint"> time {attempt}</span>}
      </span>
      <meter className="phase-bar" min={0} max={longest} value={ms ?? longest} aria-label={`How long: ${name}`} />
      <span className="phase-time" title={`From ${formatMoment(Date.parse(startedAt))}`}>
        {ms === null ? <Age since={startedAt} /> : formatDuration(ms)}
      </span>
      {facts.length > 0 && <p className="phase-facts">{sentence(facts.join('; '))}</p>}
      {state === 'failed' && error !== null && <p className="bad">{sentence(error)}</p>}
    </li>
  )
}

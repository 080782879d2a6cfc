import { formatDuration } from '../ui/format.ts'
import type { Step } from './steps.ts'

const STATE_WORDS: Record<Step['state'], string> = { waiting: 'to come', running: 'now', done: 'done', failed: 'failed' }

/** Steps ticked off, with the time each took. */
export function StepList({ steps }: { steps: Step[] }) {
  return (
    <ol className="steps">
      {steps.map(({ name, state, ms }) => (
        <li key={name} className={`step-${state}`}>
          <svg viewBox="0 0 12 12" aria-hidden="true">
            {state === 'done' && <path className="line" d="m2 6.5 2.7 2.7L10 3.5" />}
            {state === 'failed' && <path className="line" d="m2.5 2.5 7 7M9.5 2.5l-7 7" />}
            {state === 'running' && <circle cx="6" cy="6" r="3.5" />}
            {state === 'waiting' && <circle className="line" cx="6" cy="6" r="3.5" />}
          </svg>
          <span>{name}</span>
          <span className="visually-hidden">{STATE_WORDS[state]}</span>
          {ms !== null && <span className="step-time">{formatDuration(ms)}</span>}
        </li>
      ))}
    </ol>
  )
}

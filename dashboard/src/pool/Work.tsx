import type { Operation } from '@convos/pool/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { operationsQuery } from '../api/queries.ts'
import { stopOperation } from '../api/supply.ts'
import { Age } from '../ui/Age.tsx'
import { Button } from '../ui/Button.tsx'
import { formatNumber } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { useBegun } from './acts.ts'
import { operationName, progressText } from './words.ts'
import { canStop, endedOf, shownWork } from './work.ts'

const ERRORS_SHOWN = 3

/** The long work of everybody, as it goes on. */
export function Work() {
  const { data } = useQuery(operationsQuery)
  // what had ended before the page was opened is history
  const [putAway, setPutAway] = useState<ReadonlySet<string> | null>(null)
  if (data && putAway === null) setPutAway(new Set(endedOf(data.operations)))
  const work = shownWork(data?.operations ?? [], putAway ?? new Set())
  if (work.length === 0) return null
  const ended = endedOf(work)
  return (
    <section className="operations" aria-label="Operations">
      <ul>
        {work.map((operation) => (
          <WorkItem key={operation.id} operation={operation} />
        ))}
      </ul>
      <Button
        className="compact"
        unable={ended.length === 0 ? 'all of it is still running' : undefined}
        onClick={() => setPutAway(new Set([...(putAway ?? []), ...ended]))}
      >
        Clear finished
      </Button>
    </section>
  )
}

function WorkItem({ operation }: { operation: Operation }) {
  const { id, state, total, done, failed, items, startedAt } = operation
  const stop = useMutation({ mutationFn: () => stopOperation(id), onSuccess: useBegun() })
  const may = canStop(operation)
  const name = operationName(operation)
  const wrong = items.filter(({ error }) => error !== null)
  return (
    <li className={`operation operation-${state}`}>
      <span className="operation-name">{name}</span>
      <progress aria-label={name} max={Math.max(1, total)} value={state === 'done' && total === 0 ? 1 : done + failed} />
      <span className="operation-end">
        <span>
          <span role="status">{progressText(operation)}</span>{' '}
          <span className="muted">
            · <Age since={startedAt} />
          </span>
        </span>
        {state === 'running' && (
          <Button
            className="compact"
            aria-label={`Stop: ${name}`}
            busy={stop.isPending}
            unable={may === true ? undefined : may}
            onClick={() => stop.mutate()}
          >
            Stop
          </Button>
        )}
      </span>
      {stop.error && <Problem error={stop.error} isAct />}
      {wrong.slice(0, ERRORS_SHOWN).map(({ instanceId, error }) => (
        <p key={instanceId} className="operation-error">
          <code>{instanceId}</code> {error}
        </p>
      ))}
      {wrong.length > ERRORS_SHOWN && <p className="operation-error">and {formatNumber(wrong.length - ERRORS_SHOWN)} more</p>}
    </li>
  )
}

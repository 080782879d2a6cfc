import type { Operation } from '@convos/pool/contract'
import { useQueryClient } from '@tanstack/react-query'
import { operationQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { OperationProgress } from './OperationProgress.tsx'

/** An operation begun on this page, and how we call it. */
export interface Started {
  operation: Operation
  label: string
}

/** The work begun here, with its progress. */
export function OperationList({ started, onClear }: { started: Started[]; onClear: (left: Started[]) => void }) {
  const client = useQueryClient()
  if (started.length === 0) return null
  const isRunning = ({ operation }: Started) => client.getQueryData(operationQuery(operation).queryKey)?.state === 'running'
  return (
    <section className="operations" aria-label="Operations">
      <ul>
        {started.map(({ operation, label }) => (
          <OperationProgress key={operation.id} started={operation} label={label} />
        ))}
      </ul>
      <Button className="compact" onClick={() => onClear(started.filter(isRunning))}>
        Clear finished
      </Button>
    </section>
  )
}

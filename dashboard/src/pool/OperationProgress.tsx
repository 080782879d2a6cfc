import type { Operation } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { operationQuery } from '../api/queries.ts'
import { formatNumber } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'

const ENDED: Record<Exclude<Operation['state'], 'running'>, string> = { done: 'done', failed: 'failed', stopped: 'stopped' }

/** One piece of long work, followed until it ends. */
export function OperationProgress({ started, label }: { started: Operation; label: string }) {
  const { data: operation, error } = useQuery(operationQuery(started))
  const { state, total, done, failed } = operation
  return (
    <li className={`operation operation-${state}`}>
      <span className="operation-name">{label}</span>
      <progress aria-label={label} max={Math.max(1, total)} value={state === 'done' && total === 0 ? 1 : done + failed} />
      <span role="status">{progressText(operation)}</span>
      {error && <Problem error={error} />}
      {operation.items
        .filter((item) => item.error !== null)
        .map(({ instanceId, error: why }) => (
          <p key={instanceId} className="operation-error">
            <code>{instanceId}</code> {why}
          </p>
        ))}
    </li>
  )
}

function progressText({ state, total, done, failed }: Operation): string {
  if (total === 0) return state === 'running' ? 'looking' : state === 'done' ? 'nothing was left to do' : ENDED[state]
  const figures = `${formatNumber(done)} of ${formatNumber(total)}${failed > 0 ? `, ${formatNumber(failed)} failed` : ''}`
  return state === 'running' ? figures : `${ENDED[state]}, ${figures}`
}

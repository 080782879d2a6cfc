import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Age } from '../../ui/Age.tsx'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatClock } from '../../ui/format.ts'
import { Problem } from '../../ui/Problem.tsx'
import { Skeleton } from '../../ui/Skeleton.tsx'
import { logsQuery } from '../queries.ts'

const LINES = 100
const MOST = 500

/** The newest lines that its latest deployment wrote, the newest at the bottom and in sight. */
export function Logs({ id }: { id: string }) {
  const [limit, setLimit] = useState(LINES)
  const [wrap, setWrap] = useState(true)
  const { data, error, isFetching, refetch, dataUpdatedAt } = useQuery(logsQuery(id, limit))
  const lines = data?.lines ?? []
  const text = lines.map(({ at, message }) => `${at} ${message}`).join('\n')
  return (
    <div className="logs">
      <div className="act">
        <Button className="compact" busy={isFetching} onClick={() => void refetch()}>
          Refresh
        </Button>
        <CopyButton className="compact" label="Copy lines" text={text} />
        <label className="check">
          <input type="checkbox" checked={wrap} onChange={() => setWrap(!wrap)} /> Wrap
        </label>
        {limit < MOST && lines.length === limit && (
          <Button className="compact" onClick={() => setLimit(MOST)}>
            Show {MOST} lines
          </Button>
        )}
      </div>
      {error && <Problem error={error} />}
      {!data && !error && <Waiting />}
      {data && lines.length === 0 && (
        <EmptyState what="It has written nothing." hint="Lines appear once its deployment starts." />
      )}
      {lines.length > 0 && (
        <div
          key={dataUpdatedAt}
          ref={showEnd}
          className={`log-lines ${wrap ? 'wrap' : ''}`}
          role="log"
          aria-live="off"
          aria-label="Log lines"
          tabIndex={0}
        >
          {lines.map(({ at, severity, message }, index) => (
            <p key={index} className={severity === 'error' ? 'bad' : ''}>
              <time dateTime={at}>{formatClock(Date.parse(at))}</time> {message}
            </p>
          ))}
        </div>
      )}
      {data && (
        <p className="hint">
          Read <Age since={new Date(dataUpdatedAt).toISOString()} /> ago
          {data.deploymentId !== null && (
            <>
              , of deployment <code>{data.deploymentId}</code>
            </>
          )}
          .
        </p>
      )}
    </div>
  )
}

const showEnd = (lines: HTMLElement | null): void => lines?.scrollTo({ top: lines.scrollHeight })

const Waiting = () => (
  <div className="panel-loading" aria-busy="true">
    {[0, 1, 2, 3, 4, 5, 6, 7].map((line) => (
      <Skeleton key={line} />
    ))}
  </div>
)

import type { Instance } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { SidePanel } from '../../ui/SidePanel.tsx'
import { historyQuery } from '../queries.ts'
import { nameOf } from '../words.ts'
import { Timeline } from './Timeline.tsx'

/** An instance that is not there any more: its history stays. */
export function Gone({ id, last, onClose }: { id: string; last: Instance | undefined; onClose: () => void }) {
  const { data } = useQuery(historyQuery(id))
  return (
    <SidePanel
      title={<bdi>{nameOf(last ?? { id, agentName: null })}</bdi>}
      head={last && last.agentName !== null ? <code className="panel-id">{id}</code> : null}
      onClose={onClose}
    >
      {data?.events.length === 0 ? (
        <EmptyState what="There is no such instance." hint="The address may be mistyped, or its history was pruned." />
      ) : (
        <>
          <p className="notice">It is gone. What happened to it is kept.</p>
          {data && <Timeline events={data.events} />}
        </>
      )}
    </SidePanel>
  )
}

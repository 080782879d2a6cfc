import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Problem } from '../ui/Problem.tsx'
import { Skeleton } from '../ui/Skeleton.tsx'
import { ClaimResult } from './ClaimResult.tsx'
import { failureOf } from './failure.ts'
import { GiveUp } from './GiveUp.tsx'
import { claimByIdQuery } from './query.ts'

/** A claim that was made before, by its id in the address. */
export function OneClaim({ claimId, onAnother }: { claimId: string; onAnother: () => void }) {
  const { data, error } = useQuery(claimByIdQuery(claimId))
  if (data?.status === 'done') return <ClaimResult claim={data} onAnother={onAnother} />
  if (data?.status === 'pending' || data?.status === 'running' || data?.status === 'queued') {
    return (
      <Aside title={<bdi>{data.agentName}</bdi>}>
        <p role="status">
          {data.status === 'pending'
            ? 'It has asked to join. Someone in the conversation has to let it in.'
            : 'It is still being claimed.'}
        </p>
        {data.status === 'pending' && (
          <div className="act">
            <GiveUp claim={data} onOver={onAnother} />
          </div>
        )}
      </Aside>
    )
  }
  const failure = failureOf(data, error)
  if (failure) {
    return (
      <Aside title="This claim">
        <Problem error={failure} />
      </Aside>
    )
  }
  return (
    <Aside title={<Skeleton className="w-2/3" />}>
      <Skeleton className="h-52" />
    </Aside>
  )
}

const Aside = ({ title, children }: { title: ReactNode; children: ReactNode }) => (
  <div className="column stack">
    <h1>{title}</h1>
    {children}
    <p>
      <Link to="/">Claim an agent</Link>
    </p>
  </div>
)

import type { Claim } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { ApiError } from '../api/errors.ts'
import { Button } from '../ui/Button.tsx'
import { focusOnArrival } from '../ui/focus.ts'
import { formatAge } from '../ui/format.ts'
import { useTicking } from '../ui/ticking.ts'
import type { Attempt } from './attempt.ts'
import { GiveUp } from './GiveUp.tsx'
import { likely } from './heard.ts'
import { loadQrCode } from './qr.ts'
import { claimByIdQuery, heardQuery } from './query.ts'
import { StepList } from './StepList.tsx'
import { stepsOf } from './steps.ts'

interface ClaimProgressProps {
  attempt: Attempt
  /** What pool last said of it; null before its first answer. */
  claim: Claim | null
  /** Why the last question went unanswered, while it is asked again. */
  interrupted: ApiError | null
  onAnother: () => void
}

/** A claim under way. The page may be reloaded or left: it finds its result. */
export function ClaimProgress({ attempt, claim, interrupted, onAnother }: ClaimProgressProps) {
  const told = useTold(attempt, claim)
  useEffect(loadQrCode, [])
  const elapsed = useTicking((now) => formatAge(now - attempt.startedAt))
  return (
    <div className="column stack">
      <h1 tabIndex={-1} ref={focusOnArrival}>
        Claiming <bdi>{attempt.name}</bdi>
      </h1>
      <div className="card stack">
        <StepList steps={stepsOf(attempt, told)} />
        <p className="hint">
          {elapsed} so far.{' '}
          {attempt.secret
            ? 'You can leave this page, but not reload it: your credentials are kept nowhere.'
            : 'You can leave this page or reload it; it finds its result.'}
        </p>
      </div>
      <p role="status">{statusText(attempt, told)}</p>
      {interrupted && (
        <p className="notice" role="alert">
          The pool did not answer. Asking again; it stays one claim, however often we ask.
        </p>
      )}
      {(interrupted !== null || claim?.status === 'pending') && (
        <div className="act">
          <Button onClick={onAnother}>Claim another</Button>
          {claim?.status === 'pending' && <GiveUp claim={claim} onOver={onAnother} />}
        </div>
      )}
    </div>
  )
}

/** What pool said, or what is heard of the claim before it answers; in the queue also its place there. */
function useTold(attempt: Attempt, claim: Claim | null): Claim | null {
  const { data: heard } = useQuery(heardQuery)
  const told = claim ?? likely(attempt, heard ?? [])
  const { data: asked } = useQuery(claimByIdQuery(told?.status === 'queued' ? told.claimId : undefined))
  return told?.status === 'queued' ? (asked ?? told) : told
}

function statusText({ body }: Attempt, claim: Claim | null): string {
  if (claim?.status === 'pending') return 'It has asked to join. Someone in the conversation has to let it in.'
  if (claim?.queue) {
    const { position, etaSeconds } = claim.queue
    return `${position > 1 ? `${position - 1} ahead of you` : 'You are next'}${etaSeconds === null ? '' : `, about ${formatAge(etaSeconds * 1000)} to go`}.`
  }
  return claim === null && body.waitMs > 0 ? 'No agent is ready yet; the next one is yours.' : ''
}

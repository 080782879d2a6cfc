import { useQuery, useQueryClient } from '@tanstack/react-query'
import { usePool } from '../frame/usePool.ts'
import { useTitle } from '../ui/useTitle.ts'
import { useAttempt } from './attempt.ts'
import { ClaimForm } from './ClaimForm.tsx'
import { ClaimProgress } from './ClaimProgress.tsx'
import { ClaimResult } from './ClaimResult.tsx'
import { EMPTY_DRAFT, useDraft } from './draft.ts'
import { failureOf } from './failure.ts'
import { claimQuery, isUnderWay } from './query.ts'

/** Asks for an agent, follows the claim, shows what came of it. */
export function ClaimPage() {
  useTitle('Claim')
  const { counts } = usePool()
  const client = useQueryClient()
  const { attempt, start, putAway } = useAttempt()
  const [draft, setDraft] = useDraft()
  const claim = useQuery(claimQuery(attempt))

  const another = () => {
    client.removeQueries({ queryKey: claimQuery(attempt).queryKey })
    putAway()
    setDraft(EMPTY_DRAFT)
  }

  if (attempt && !claim.error && (!claim.data || isUnderWay(claim.data))) {
    return <ClaimProgress attempt={attempt} claim={claim.data ?? null} interrupted={claim.failureReason} onAnother={another} />
  }
  if (claim.data?.status === 'done') return <ClaimResult claim={claim.data} onAnother={another} />
  return (
    <ClaimForm
      draft={draft}
      onChange={setDraft}
      ready={counts?.idle}
      failure={failureOf(claim.data, claim.error)}
      onClaim={start}
    />
  )
}

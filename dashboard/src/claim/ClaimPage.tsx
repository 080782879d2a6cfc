import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useState } from 'react'
import { useSetSearch } from '../ui/useUrlText.ts'
import { useTitle } from '../ui/useTitle.ts'
import { useAttempt } from './attempt.ts'
import { ClaimForm } from './ClaimForm.tsx'
import { ClaimProgress } from './ClaimProgress.tsx'
import { ClaimResult } from './ClaimResult.tsx'
import type { Credentials } from './credentials.ts'
import { EMPTY_DRAFT, useDraft } from './draft.ts'
import { useEarlier } from './earlier.ts'
import { EarlierClaims } from './EarlierClaims.tsx'
import { failureOf } from './failure.ts'
import { OneClaim } from './OneClaim.tsx'
import { claimQuery, isUnderWay } from './query.ts'

/** Asks for an agent, follows the claim, shows what came of it. */
export function ClaimPage() {
  useTitle('Claim')
  const client = useQueryClient()
  const setSearch = useSetSearch()
  const shown = useSearch({ strict: false, select: (search) => search['claim'] })
  const { attempt, start, putAway } = useAttempt()
  const [draft, setDraft] = useDraft()
  const [credentials, setCredentials] = useState<Credentials>({})
  const [earlier, remember] = useEarlier()
  const claim = useQuery(claimQuery(attempt))
  const made = claim.data && (claim.data.status === 'done' || claim.data.status === 'pending') ? claim.data : null

  const madeId = made?.claimId
  const keep = useEffectEvent((claimId: string) => made && remember({ claimId, agentName: made.agentName, at: made.createdAt }))
  useEffect(() => {
    if (madeId !== undefined) keep(madeId)
  }, [madeId])

  const another = () => {
    client.removeQueries({ queryKey: claimQuery(attempt).queryKey })
    putAway()
    setDraft(EMPTY_DRAFT)
    setCredentials({})
    setSearch({ claim: '', template: '' })
  }

  if (shown !== undefined) return <OneClaim claimId={shown} onAnother={another} />
  if (attempt && !claim.error && (!claim.data || isUnderWay(claim.data))) {
    return <ClaimProgress attempt={attempt} claim={claim.data ?? null} interrupted={claim.failureReason} onAnother={another} />
  }
  if (claim.data?.status === 'done') return <ClaimResult claim={claim.data} onAnother={another} />
  return (
    <>
      <ClaimForm
        draft={draft}
        onChange={setDraft}
        credentials={credentials}
        onCredentials={setCredentials}
        failure={failureOf(claim.data, claim.error)}
        onClaim={start}
      />
      <EarlierClaims claims={earlier} />
    </>
  )
}

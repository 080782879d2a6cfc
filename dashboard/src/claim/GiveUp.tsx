import type { Claim } from '@convos/pool/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { giveUpClaim } from '../api/claims.ts'
import { Button } from '../ui/Button.tsx'
import { claimByIdQuery } from './query.ts'

const ConfirmDialog = lazy(() => import('../ui/ConfirmDialog.tsx').then((module) => ({ default: module.ConfirmDialog })))

interface GiveUpProps {
  claim: Claim
  /** It is over: nothing of it is to be shown any more. */
  onOver: () => void
}

/** Takes a claim back that waits to be let in, or ends its agent; asks first. */
export function GiveUp({ claim: { claimId, agentName, status }, onOver }: GiveUpProps) {
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const waits = status === 'pending'
  const giveUp = useMutation({
    mutationFn: () => giveUpClaim(claimId),
    onSuccess: (claim) => {
      client.setQueryData(claimByIdQuery(claimId).queryKey, claim)
      onOver()
    },
  })
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>
        {waits ? 'Cancel claim' : 'End agent'}
      </Button>
      <Suspense>
        {asking && (
          <ConfirmDialog
            title={
              <>
                {waits ? 'Cancel the claim of' : 'End'} <bdi>{agentName}</bdi>?
              </>
            }
            act={waits ? 'Cancel claim' : 'End agent'}
            keep={waits ? 'Keep waiting' : 'Keep it'}
            thing={<bdi>{agentName}</bdi>}
            busy={giveUp.isPending}
            error={giveUp.error}
            onConfirm={() => giveUp.mutate()}
            onClose={() => setAsking(false)}
          >
            <p>
              {waits
                ? 'It takes its wish to join back, and nobody has to let it in any more.'
                : 'It stops answering, and what it knows and its tools are deleted for good.'}
            </p>
          </ConfirmDialog>
        )}
      </Suspense>
    </>
  )
}

import type { Instance } from '@convos/pool/contract'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { clone } from '../../api/instances.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { Problem } from '../../ui/Problem.tsx'
import { nameOf } from '../words.ts'

interface CloneDialogProps {
  instance: Instance
  onOpen: (id: string) => void
  onClose: () => void
}

/** Claims another agent like this one; asked twice under one key it is the same one. */
export function CloneDialog({ instance, onOpen, onClose }: CloneDialogProps) {
  const [key] = useState(() => crypto.randomUUID())
  const cloning = useMutation({ mutationFn: () => clone(key, instance.id) })
  const claim = cloning.data
  const made = claim?.instanceId ?? null
  const name = <bdi>{nameOf(instance)}</bdi>
  return (
    <Dialog title={claim ? <>Cloned {name}</> : <>Clone {name}?</>} onClose={onClose}>
      {claim ? (
        <p role="status">
          The clone is claim <code>{claim.claimId}</code>, {claim.status}.{' '}
          {claim.inviteUrl !== null && (
            <a href={claim.inviteUrl} target="_blank" rel="noreferrer">
              Open in Convos
            </a>
          )}
        </p>
      ) : (
        <p>
          Another agent is claimed with the same name, instructions, model and template, and with tools like those it has. It is
          yours, begins its own conversation, and knows nothing of this one’s. Tools with credentials of their claimer cannot be
          cloned here.
        </p>
      )}
      {cloning.error && <Problem error={cloning.error} />}
      <div className="act end">
        <Button onClick={onClose}>{claim ? 'Close' : 'Cancel'}</Button>
        {made !== null && (
          <Button
            look="primary"
            onClick={() => {
              onClose()
              onOpen(made)
            }}
          >
            Look at the clone
          </Button>
        )}
        {!claim && (
          <Button look="primary" busy={cloning.isPending} onClick={() => cloning.mutate()}>
            Clone agent
          </Button>
        )}
      </div>
    </Dialog>
  )
}

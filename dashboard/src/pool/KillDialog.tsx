import type { Instance, Operation } from '@convos/pool/contract'
import { useMutation } from '@tanstack/react-query'
import { killInstance } from '../api/pool.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Problem } from '../ui/Problem.tsx'
import { StatusMark } from '../ui/StatusMark.tsx'
import { killConsequence, nameOf } from './consequence.ts'

interface KillDialogProps {
  /** As it is now, not as it was when asked; undefined once it is gone. */
  instance: Instance | undefined
  onClose: () => void
  onStarted: (operation: Operation, label: string) => void
}

/** Asks before an instance is killed, naming what that does. */
export function KillDialog({ instance, onClose, onStarted }: KillDialogProps) {
  const kill = useMutation({
    mutationFn: ({ id }: Instance) => killInstance(id),
    onSuccess: (operation, killed) => {
      onStarted(operation, `Kill ${nameOf(killed)}`)
      onClose()
    },
  })
  if (!instance) {
    return (
      <Dialog title="It is gone already" onClose={onClose}>
        <div className="act end">
          <Button onClick={onClose}>Close</Button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog
      title={
        <>
          Kill <bdi>{nameOf(instance)}</bdi>?
        </>
      }
      onClose={onClose}
    >
      <p className={`status status-${instance.status}`}>
        <StatusMark status={instance.status} /> {instance.status} · <code>{instance.id}</code>
      </p>
      <p>{killConsequence(instance)}</p>
      {kill.error && <Problem error={kill.error} />}
      <div className="act end">
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger-solid" busy={kill.isPending} onClick={() => kill.mutate(instance)}>
          Kill instance
        </Button>
      </div>
    </Dialog>
  )
}

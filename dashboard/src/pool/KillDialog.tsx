import type { Instance, Operation } from '@convos/pool/contract'
import { useMutation } from '@tanstack/react-query'
import { killInstance } from '../api/pool.ts'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { Dialog } from '../ui/Dialog.tsx'
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
    <ConfirmDialog
      title={
        <>
          Kill <bdi>{nameOf(instance)}</bdi>?
        </>
      }
      act="Kill instance"
      keep="Keep it"
      thing={<bdi>{nameOf(instance)}</bdi>}
      busy={kill.isPending}
      error={kill.error}
      onConfirm={() => kill.mutate(instance)}
      onClose={onClose}
    >
      <p className={`status status-${instance.status}`}>
        <StatusMark status={instance.status} /> {instance.status} · <code>{instance.id}</code>
      </p>
      <p>{killConsequence(instance)}</p>
    </ConfirmDialog>
  )
}

import type { Instance } from '@convos/pool/contract'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { nameOf } from '../words.ts'
import { useChange } from './useChange.ts'

/** Protects it, or stops that. */
export function ProtectDialog({ instance, onClose }: { instance: Instance; onClose: () => void }) {
  const change = useChange(instance.id, onClose)
  const name = <bdi>{nameOf(instance)}</bdi>
  const verb = instance.protected ? 'Stop protecting' : 'Protect'
  return (
    <ConfirmDialog
      title={
        <>
          {verb} {name}?
        </>
      }
      act={`${verb} instance`}
      thing={name}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate({ protected: !instance.protected })}
      onClose={onClose}
    >
      <p>
        {instance.protected
          ? 'It can be killed, drained, dismissed and recycled again, and its end counts again.'
          : 'It is not killed, drained, dismissed or recycled until that is taken back, not by its claimer either, and it does not end by itself.'}
      </p>
    </ConfirmDialog>
  )
}

import { type ReactNode, useState } from 'react'
import type { ApiError } from '../api/errors.ts'
import { useSession } from '../session/session.ts'
import { Button } from './Button.tsx'
import { Dialog } from './Dialog.tsx'
import { Problem } from './Problem.tsx'

interface ConfirmDialogProps {
  /** The question, naming the thing: "Kill tokyo?" */
  title: ReactNode
  /** What it does. */
  children: ReactNode
  /** The verb with its object: "Kill instance". */
  act: string
  /** How not to: "Keep it". */
  keep?: string
  /** What it is done to, for the second question in production: "tokyo", "5 ready instances". */
  thing: ReactNode
  busy: boolean
  error: ApiError | null
  onConfirm: () => void
  onClose: () => void
}

/** Asks before something is destroyed, and in production a second time. */
export function ConfirmDialog({
  title,
  children,
  act,
  keep = 'Cancel',
  thing,
  busy,
  error,
  onConfirm,
  onClose,
}: ConfirmDialogProps) {
  const production = useSession().environment === 'production'
  const [sure, setSure] = useState(!production)
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {production && sure && (
        <p className="notice" role="status">
          This is production. Once more: {act.toLowerCase()}, <strong>{thing}</strong>?
        </p>
      )}
      {error && <Problem error={error} isAct />}
      <div className="act end">
        <Button onClick={onClose}>{keep}</Button>
        {sure ? (
          <Button key="act" look="danger-solid" busy={busy} onClick={onConfirm}>
            {production ? `${act} in production` : act}
          </Button>
        ) : (
          <Button key="ask" look="danger" onClick={() => setSure(true)}>
            {act}…
          </Button>
        )}
      </div>
    </Dialog>
  )
}

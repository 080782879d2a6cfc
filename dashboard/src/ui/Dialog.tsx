import { Dialog as Base } from '@base-ui/react/dialog'
import type { ReactNode } from 'react'
import { useReturnOfFocus } from './focus.ts'

interface DialogProps {
  title: ReactNode
  children: ReactNode
  /** Escape, a press outside, or a button of the dialog. */
  onClose: () => void
  /** Further classes of the window, e.g. another width. */
  className?: string
}

/** A modal window: the focus stays inside, and goes back to where it was. Rendered as long as it is open. */
export function Dialog({ title, children, onClose, className = '' }: DialogProps) {
  const finalFocus = useReturnOfFocus()
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup finalFocus={finalFocus} className={`dialog stack ${className}`}>
          <Base.Title>{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

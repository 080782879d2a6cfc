import { Dialog as Base } from '@base-ui/react/dialog'
import type { ReactNode } from 'react'
import { useReturnOfFocus } from './focus.ts'

interface SidePanelProps {
  title: ReactNode
  /** Beside the title: status, actions. */
  head?: ReactNode
  children: ReactNode
  onClose: () => void
}

/** Details beside the page, which stays usable; on a phone it covers the page. Escape closes it. */
export function SidePanel({ title, head, children, onClose }: SidePanelProps) {
  const finalFocus = useReturnOfFocus()
  return (
    <Base.Root open modal={false} disablePointerDismissal onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Popup finalFocus={finalFocus} className="side-panel">
          <header className="side-panel-head">
            <Base.Title className="side-panel-title">{title}</Base.Title>
            {head}
            <Base.Close className="quiet icon side-panel-close" aria-label="Close">
              <svg viewBox="0 0 12 12" aria-hidden="true">
                <path className="line" d="m2 2 8 8M10 2l-8 8" />
              </svg>
            </Base.Close>
          </header>
          <div className="side-panel-body">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

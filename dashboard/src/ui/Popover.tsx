import { Popover as Base } from '@base-ui/react/popover'
import type { ReactNode } from 'react'

interface PopoverProps {
  /** What the trigger says. */
  label: ReactNode
  title: string
  children: ReactNode
  className?: string
}

/** A button that opens a small window beside itself. */
export const Popover = ({ label, title, children, className = 'button compact' }: PopoverProps) => (
  <Base.Root>
    <Base.Trigger className={className}>{label}</Base.Trigger>
    <Base.Portal>
      <Base.Positioner className="floating" sideOffset={4} align="end">
        <Base.Popup className="popup popover">
          <Base.Title className="popover-title">{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Positioner>
    </Base.Portal>
  </Base.Root>
)

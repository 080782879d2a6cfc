import { Menu as Base } from '@base-ui/react/menu'
import type { ReactNode } from 'react'

export interface MenuItem {
  label: string
  onSelect: () => void
  danger?: boolean
  /** Why it cannot be chosen now; it stays in the list and says so. */
  unable?: string | undefined
}

interface MenuProps {
  /** What the trigger says, and is called. */
  label: string
  children?: ReactNode
  items: readonly MenuItem[]
  className?: string
}

/** A button that opens a list of acts. */
export const Menu = ({ label, children, items, className = 'button compact' }: MenuProps) => (
  <Base.Root>
    <Base.Trigger className={className} {...(children === undefined ? {} : { 'aria-label': label })}>
      {children ?? label}
    </Base.Trigger>
    <Base.Portal>
      <Base.Positioner className="floating" sideOffset={4} align="end">
        <Base.Popup className="popup menu">
          {items.map((item) => (
            <Base.Item
              key={item.label}
              className={item.danger ? 'menu-item danger' : 'menu-item'}
              disabled={item.unable !== undefined}
              onClick={item.onSelect}
            >
              {item.label}
              {item.unable !== undefined && <span className="menu-reason">{item.unable}</span>}
            </Base.Item>
          ))}
        </Base.Popup>
      </Base.Positioner>
    </Base.Portal>
  </Base.Root>
)

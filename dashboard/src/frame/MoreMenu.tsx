import { Link } from '@tanstack/react-router'
import { useId, useRef } from 'react'
import type { pagesFor } from '../pages.ts'
import { openHelp, openPalette } from './shortcuts.ts'

/** What the bottom bar of a phone has no room for. */
export function MoreMenu({ pages }: { pages: ReturnType<typeof pagesFor> }) {
  const id = useId()
  const menu = useRef<HTMLDivElement>(null)
  const close = () => menu.current?.hidePopover()
  const then = (act: () => void) => () => {
    close()
    act()
  }
  return (
    <div className="more">
      {/* the browser's own popover: it costs no code on the first load */}
      <button type="button" popoverTarget={id}>
        More
      </button>
      <div id={id} ref={menu} popover="auto" className="popup menu more-menu">
        {pages.map(({ to, name }) => (
          <Link key={to} to={to} className="menu-item" onClick={close}>
            {name}
          </Link>
        ))}
        <button type="button" className="menu-item" onClick={then(openPalette)}>
          Go to…
        </button>
        <button type="button" className="menu-item" onClick={then(openHelp)}>
          Help
        </button>
      </div>
    </div>
  )
}

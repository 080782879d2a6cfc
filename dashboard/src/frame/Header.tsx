import { Link } from '@tanstack/react-router'
import { pagesFor } from '../pages.ts'
import { useSession } from '../session/session.ts'
import { Brand } from './Brand.tsx'
import { EnvironmentBadge } from './EnvironmentBadge.tsx'
import { LogOut } from './LogOut.tsx'
import { MoreMenu } from './MoreMenu.tsx'
import { openPalette } from './shortcuts.ts'
import { ThemeToggle } from './ThemeToggle.tsx'

/** On a phone the bottom bar has room for so many; the rest is under More. */
const IN_THE_BAR = 3

/** The pages, and what belongs to whoever is looking. */
export function Header() {
  const pages = pagesFor(useSession().role)
  return (
    <header className="header">
      <Brand />
      <nav aria-label="Pages">
        {pages.map(({ to, name }, index) => (
          <Link key={to} to={to} activeOptions={{ exact: to === '/', includeSearch: false }} data-more={index >= IN_THE_BAR}>
            {name}
          </Link>
        ))}
        <MoreMenu pages={pages.slice(IN_THE_BAR)} />
      </nav>
      <div className="header-end">
        <button
          type="button"
          className="quiet palette-key"
          onClick={openPalette}
          aria-label="Go to or do…"
          aria-keyshortcuts="Meta+K Control+K"
        >
          <kbd>{KEY}</kbd>
        </button>
        <ThemeToggle />
        <EnvironmentBadge />
        <LogOut className="quiet log-out" />
      </div>
    </header>
  )
}

const KEY = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'

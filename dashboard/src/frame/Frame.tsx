import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { logOut } from '../api/pool.ts'
import { Link, navigate, useLocation } from '../router.tsx'
import { Brand } from './Brand.tsx'
import { EnvironmentBadge } from './EnvironmentBadge.tsx'
import { OfflineBanner } from './OfflineBanner.tsx'
import { Pulse } from './Pulse.tsx'
import { ThemeToggle } from './ThemeToggle.tsx'
import { usePool } from './usePool.ts'

const PAGES = [
  { href: '/', name: 'Claim' },
  { href: '/pool', name: 'Pool' },
]

/** What stands around every page: header, pulse, and the banner when the pool is silent. */
export function Frame({ children }: { children: ReactNode }) {
  const pool = usePool()
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <div className="frame">
        <Header />
        <Pulse pool={pool} />
        <OfflineBanner pool={pool} />
      </div>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  )
}

function Header() {
  const { path } = useLocation()
  return (
    <header className="header">
      <Brand />
      <nav aria-label="Pages">
        {PAGES.map(({ href, name }) => (
          <Link key={href} href={href} aria-current={path === href ? 'page' : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <div className="header-end">
        <EnvironmentBadge />
        <ThemeToggle />
        <LogOut />
      </div>
    </header>
  )
}

function LogOut() {
  const client = useQueryClient()
  const leave = useMutation({
    mutationFn: logOut,
    onSuccess: () => {
      sessionStorage.clear()
      navigate('/login')
      client.clear()
    },
  })
  return (
    <button type="button" className="quiet" onClick={() => leave.mutate()} disabled={leave.isPending}>
      {leave.error ? 'Log out failed, try again' : 'Log out'}
    </button>
  )
}

import type { Session } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext } from 'react'
import { isSignedOut } from '../api/errors.ts'
import { sessionQuery } from '../api/queries.ts'
import { navigate } from '../router.tsx'
import { Problem } from '../ui/Problem.tsx'

const SessionContext = createContext<Session | null>(null)

/** Renders its children once it is known who is looking. */
export function SignedIn({ children, meanwhile }: { children: ReactNode; meanwhile: ReactNode }) {
  const { data, error } = useQuery(sessionQuery)
  if (data) return <SessionContext value={data}>{children}</SessionContext>
  if (error && !isSignedOut(error)) {
    return (
      <main className="alone">
        <Problem error={error} />
      </main>
    )
  }
  return meanwhile
}

/** The session of whoever is looking; only below `SignedIn`. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('useSession is for what SignedIn renders')
  return session
}

/** To the login page, remembering where we were. */
export function askToLogIn(): void {
  const { pathname, search } = window.location
  if (pathname !== '/login') navigate(`/login?next=${encodeURIComponent(pathname + search)}`, { replace: true })
}

/** Where to go after logging in: a path of ours, never another site. */
export function pathAfterLogin(next: string | null): string {
  if (next === null || !next.startsWith('/')) return '/'
  const url = new URL(next, window.location.origin)
  return url.origin === window.location.origin && url.pathname !== '/login' ? url.pathname + url.search : '/'
}

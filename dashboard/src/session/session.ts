import type { Session } from '@convos/pool/contract'
import { useRouteContext } from '@tanstack/react-router'

/** The session of whoever is looking; only on pages behind the login. */
export const useSession = (): Session => useRouteContext({ from: '/inside', select: (context) => context.session })

/** Where to go after logging in: a path of ours, never another site. */
export function pathAfterLogin(next: string | undefined): string {
  if (next === undefined || !next.startsWith('/')) return '/'
  const url = new URL(next, window.location.origin)
  return url.origin === window.location.origin && url.pathname !== '/login' ? url.pathname + url.search : '/'
}

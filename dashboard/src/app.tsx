import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Frame } from './frame/Frame.tsx'
import { ClaimPage } from './claim/ClaimPage.tsx'
import { PoolPage } from './pool/PoolPage.tsx'
import { Link, useLocation } from './router.tsx'
import { LoginPage } from './session/LoginPage.tsx'
import { SignedIn, useSession } from './session/session.tsx'

/** The whole dashboard, around the one client that holds what it knows. */
export function App({ client }: { client: QueryClient }) {
  const { path } = useLocation()
  return (
    <QueryClientProvider client={client}>
      {path === '/login' ? (
        <LoginPage />
      ) : (
        <SignedIn meanwhile={<div className="frame frame-skeleton" aria-busy="true" />}>
          <Frame>
            <Page path={path} />
          </Frame>
        </SignedIn>
      )}
    </QueryClientProvider>
  )
}

function Page({ path }: { path: string }) {
  const { role } = useSession()
  if (path === '/') return <ClaimPage />
  if (path !== '/pool') return <Elsewhere what="There is no such page." todo="The address may be mistyped." />
  if (role !== 'operator') return <Elsewhere what="The pool is for operators." todo="Your key can claim agents." />
  return <PoolPage />
}

function Elsewhere({ what, todo }: { what: string; todo: string }) {
  return (
    <div className="column stack">
      <h1>{what}</h1>
      <p>
        {todo} <Link href="/">Claim an agent</Link>
      </p>
    </div>
  )
}

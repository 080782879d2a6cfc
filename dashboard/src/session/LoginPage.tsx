import type { Session } from '@convos/pool/contract'
import { skipToken, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type SubmitEvent, useEffect, useEffectEvent, useState } from 'react'
import { type ApiError, isSignedOut } from '../api/errors.ts'
import { logIn } from '../api/session.ts'
import { sessionQuery } from '../api/queries.ts'
import { EnvironmentBadge } from '../frame/EnvironmentBadge.tsx'
import { Brand } from '../frame/Brand.tsx'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { Problem } from '../ui/Problem.tsx'
import { useTitle } from '../ui/useTitle.ts'
import { pathAfterLogin } from './session.ts'
import { useLoginCode } from './useLoginCode.ts'

/** Logs in with an API key, or by itself with the code of a login link. */
export function LoginPage() {
  useTitle('Log in')
  const enter = useEnter()
  const [key, setKey] = useState('')
  const code = useLoginCode()
  // a query, because a code works once: however often this renders, it is sent once
  const byCode = useQuery({
    queryKey: ['login', code],
    queryFn: code === null ? skipToken : () => logIn({ loginCode: code }),
    staleTime: Infinity,
    retry: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  const byKey = useMutation({ mutationFn: () => logIn({ key: key.trim() }), onSuccess: enter })
  const onLoggedIn = useEffectEvent(enter)
  useEffect(() => {
    if (byCode.data) onLoggedIn(byCode.data)
  }, [byCode.data])

  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (key.trim() !== '' && !byKey.isPending) byKey.mutate()
  }
  const keyRefused = byKey.error && isRefusal(byKey.error)
  return (
    <main className="alone">
      <div className="card login">
        <div className="login-head">
          <Brand />
          <EnvironmentBadge />
        </div>
        <h1>Log in</h1>
        {byCode.isLoading && <p role="status">Logging in with the link…</p>}
        {byCode.error && !byKey.error && <CodeProblem error={byCode.error} />}
        <form onSubmit={submit} className="stack">
          <Field
            label="API key"
            hint="A key of an operator or a claimer. The dashboard keeps a session of 12 hours, not the key."
            error={keyRefused ? 'This key is not known. Check that it is whole and belongs to this environment.' : undefined}
          >
            {/* masked by style: a text field keeps its role, and no password manager offers to store the key */}
            {(control) => (
              <input
                {...control}
                className="masked"
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                maxLength={512}
                value={key}
                onChange={(event) => setKey(event.target.value)}
              />
            )}
          </Field>
          {byKey.error && !keyRefused && <Problem error={byKey.error} />}
          <Button look="primary" type="submit" busy={byKey.isPending}>
            Log in
          </Button>
        </form>
      </div>
    </main>
  )
}

/** What a login does: nothing of an earlier session stays, and back to where it was asked for. */
function useEnter(): (session: Session) => void {
  const client = useQueryClient()
  const router = useRouter()
  return (session) => {
    client.clear()
    client.setQueryData(sessionQuery.queryKey, session)
    const to = pathAfterLogin(router.latestLocation.search['next'])
    void router.navigate({ href: to, replace: true })
  }
}

const isRefusal = (error: ApiError) => isSignedOut(error) || error.status === 400

function CodeProblem({ error }: { error: ApiError }) {
  if (!isRefusal(error)) return <Problem error={error} />
  return (
    <div className="problem" role="alert">
      <p className="problem-what">This login link does not work any more.</p>
      <p>A link works once, for 10 minutes. Ask for a new one, or log in with a key.</p>
    </div>
  )
}

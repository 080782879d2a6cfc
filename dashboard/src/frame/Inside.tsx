import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type ErrorComponentProps, Outlet, useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { ApiError } from '../api/errors.ts'
import { sessionQuery } from '../api/queries.ts'
import { useLive } from '../live/useLive.ts'
import { Button } from '../ui/Button.tsx'
import { Problem } from '../ui/Problem.tsx'
import { Frame } from './Frame.tsx'

/** Everything behind the login, in its frame; the stream of news is on as long as somebody is in. */
export function Inside() {
  const { feed } = useLive()
  useEffect(() => feed.start(), [feed])
  return (
    <Frame>
      <Outlet />
    </Frame>
  )
}

/** Until it is known who is looking. */
export const Waiting = () => <div className="frame frame-skeleton" aria-busy="true" />

/** Pool could not be asked who is looking; as soon as it answers, the page goes on. */
export function Unreached({ error }: ErrorComponentProps) {
  const router = useRouter()
  const client = useQueryClient()
  const { isSuccess } = useQuery(sessionQuery)
  useEffect(() => {
    if (isSuccess) void router.invalidate()
  }, [isSuccess, router])
  const again = () => void client.refetchQueries({ queryKey: sessionQuery.queryKey })
  if (!(error instanceof ApiError)) throw error
  return (
    <main className="alone">
      <div className="stack">
        <Problem error={error} />
        <div className="act">
          <Button onClick={again}>Try now</Button>
        </div>
      </div>
    </main>
  )
}

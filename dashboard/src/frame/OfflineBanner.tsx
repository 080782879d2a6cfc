import { useLive } from '../live/useLive.ts'
import { Button } from '../ui/Button.tsx'
import { formatClock } from '../ui/format.ts'
import { useTicking } from '../ui/ticking.ts'

/** Says that what is on screen is old, since when, and when the pool is asked again. */
export function OfflineBanner() {
  const { state, feed } = useLive()
  const retryAt = state.is === 'offline' ? state.retryAt : 0
  const seconds = useTicking((now) => Math.max(0, Math.ceil((retryAt - now) / 1000)))
  if (state.is !== 'offline') return null
  return (
    <section className="banner" aria-label="Connection">
      <p role="alert">
        <strong>The pool does not answer.</strong>{' '}
        {state.since === null ? 'What you see may be old.' : `What you see is from ${formatClock(state.since)}.`}
      </p>
      <p>{seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again…'}</p>
      <Button onClick={() => feed.retry()}>Try now</Button>
    </section>
  )
}

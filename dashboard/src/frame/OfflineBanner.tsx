import { isSignedOut } from '../api/errors.ts'
import { Button } from '../ui/Button.tsx'
import { formatClock } from '../ui/format.ts'
import { useTicking } from '../ui/ticking.ts'
import { wordsFor } from '../ui/words.ts'
import type { PoolNow } from './usePool.ts'

/** Says that what is on screen is old, since when, and when the pool is asked again. */
export function OfflineBanner({ pool: { error, updatedAt, retryAt, retry } }: { pool: PoolNow }) {
  const seconds = useTicking((now) => Math.max(0, Math.ceil((retryAt - now) / 1000)))
  if (!error || isSignedOut(error)) return null
  return (
    <section className="banner" aria-label="Connection">
      <p role="alert">
        <strong>{wordsFor(error).what}</strong>{' '}
        {updatedAt > 0 ? `What you see is from ${formatClock(updatedAt)}.` : 'Nothing could be read yet.'}
      </p>
      <p>{seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again…'}</p>
      <Button onClick={retry}>Try now</Button>
    </section>
  )
}

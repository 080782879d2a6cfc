import { useLive } from '../live/useLive.ts'
import { formatClock } from '../ui/format.ts'
import { useTicking } from '../ui/ticking.ts'

/** Whether what is on screen is the truth now, and how long ago the pool was heard of. */
export function LiveMark() {
  const { state, feed } = useLive()
  const heard = useTicking((now) => ((now - feed.heardAt()) / 1000).toFixed(1))
  if (state.is === 'live') {
    return (
      <span className="fresh" title="How long ago the pool was heard of; it speaks every 20 seconds at least">
        live <span className="live-age">· {heard} s</span>
      </span>
    )
  }
  if (state.is === 'connecting') return <span className="stale calm">connecting</span>
  return (
    <span className="stale">
      {state.is}
      {state.since !== null && <> since {formatClock(state.since)}</>}
    </span>
  )
}

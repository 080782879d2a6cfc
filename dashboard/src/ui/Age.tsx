import { formatAge, formatMoment } from './format.ts'
import { useTicking } from './ticking.ts'
import { titled } from './titled.ts'

/** How long ago; the exact moment on hover. */
export function Age({ since }: { since: string }) {
  const at = Date.parse(since)
  const age = useTicking((now) => formatAge(now - at))
  return (
    <time dateTime={since} {...titled(() => formatMoment(at))}>
      {age}
    </time>
  )
}

const OWN: ReadonlySet<string | undefined> = new Set(['pool', 'convos', 'link'])
/** Nobody means well who encodes a path more often. */
const MOST_DECODED = 5

/**
 * Whether a request is for the agent server itself: `/pool/*`, `/convos/*` and `/link/*`, in whatever way the path is written. The gateway
 * has routes of the same names, and may read a path more generously than we do; what is doubtful is ours, and a 404 there.
 */
export const isOwn = (url: string): boolean => [url, url.replace(/^[\\/]+/, '/')].some((reading) => leadsToUs(reading))

function leadsToUs(url: string): boolean {
  let path = url
  for (let times = 0; times < MOST_DECODED; times++) {
    try {
      path = new URL(path, 'http://box').pathname
      if (OWN.has(path.toLowerCase().split('/').find(Boolean))) return true
      const decoded = decodeURIComponent(path).replace(/^[\\/]+/, '/')
      if (decoded === path) return false
      path = decoded
    } catch {
      return true
    }
  }
  return true
}

import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react'

const subscribe = (changed: () => void) => {
  window.addEventListener('popstate', changed)
  return () => window.removeEventListener('popstate', changed)
}
const current = () => window.location.pathname + window.location.search

/** Where we are; the component renders again when that changes. */
export function useLocation(): { path: string; search: URLSearchParams } {
  const { pathname, searchParams } = new URL(useSyncExternalStore(subscribe, current), window.location.origin)
  return { path: pathname, search: searchParams }
}

/** Goes to a path of ours without loading the page anew; `replace` leaves no step to go back to. */
export function navigate(to: string, { replace = false } = {}): void {
  window.history[replace ? 'replaceState' : 'pushState'](null, '', to)
  window.dispatchEvent(new PopStateEvent('popstate'))
}

/** Puts the page's state into the address; empty values leave it. */
export function setSearch(changes: Record<string, string>): void {
  const url = new URL(window.location.href)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  navigate(url.pathname + url.search, { replace: true })
}

/** A link within the dashboard; clicks that ask for a new tab or window stay the browser's. */
export function Link({ href, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(href)
  }
  return <a href={href} onClick={follow} {...rest} />
}

import { useEffect, useState } from 'react'

/** The one-time code of `/login#<code>`, taken out of the address bar as soon as it is seen, so that it is in no history, bookmark or screenshot. */
export function useLoginCode(): string | null {
  const [code, setCode] = useState<string | null>(null)
  useEffect(() => {
    const take = () => {
      const { hash, pathname, search } = window.location
      if (hash.length < 2) return
      window.history.replaceState(null, '', pathname + search)
      setCode(hash.slice(1))
    }
    take()
    window.addEventListener('hashchange', take)
    return () => window.removeEventListener('hashchange', take)
  }, [])
  return code
}

import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { Search } from '../url.ts'

/** Puts a page's state into the address, without a step to go back to unless it is one; empty values leave it. */
export function useSetSearch(): (changes: Search, isStep?: boolean) => void {
  const navigate = useNavigate()
  return (changes, isStep = false) =>
    void navigate({ to: '.', search: (old: Search) => ({ ...old, ...changes }), replace: !isStep, resetScroll: false })
}

interface Typed {
  text: string
  /** What was in the address at the last look. */
  seen: string
  /** What we have put there since, and not seen there yet. */
  sent: readonly string[]
}

/** A text field whose value is in the address: what is typed shows at once, and the address follows. */
export function useUrlText(name: string): [string, (value: string) => void] {
  const inUrl = useSearch({ strict: false, select: (search: Search) => search[name] ?? '' })
  const setSearch = useSetSearch()
  const [typed, setTyped] = useState<Typed>({ text: inUrl, seen: inUrl, sent: [] })
  const now = inUrl === typed.seen ? typed : lookedAt(typed, inUrl)
  if (now !== typed) setTyped(now)
  return [
    now.text,
    (value) => {
      setTyped({ ...now, text: value, sent: [...now.sent, value] })
      setSearch({ [name]: value })
    },
  ]
}

/** Our own value arrives late and changes nothing; another one was put there by somebody else, and holds. */
function lookedAt({ text, sent }: Typed, inUrl: string): Typed {
  const ours = sent.lastIndexOf(inUrl)
  return ours < 0 ? { text: inUrl, seen: inUrl, sent: [] } : { text, seen: inUrl, sent: sent.slice(ours + 1) }
}

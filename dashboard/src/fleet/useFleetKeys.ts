import type { Instance } from '@convos/pool/contract'
import { type Dispatch, type SetStateAction, useEffect, useEffectEvent, useState } from 'react'
import { type Chosen, withToggled } from './chosen.ts'
import { SEARCH_ID } from './FleetBar.tsx'
import type { FleetView } from './view.ts'

/** Where keys mean something else. */
const ELSEWHERE =
  'input:not([type=checkbox]), textarea, select, [contenteditable], [role=menu], [role=listbox], .dialog, .popover'

interface Keys {
  rows: readonly Instance[]
  view: FleetView
  show: (change: Partial<FleetView>) => void
  chosen: Chosen
  setChosen: Dispatch<SetStateAction<Chosen>>
}

/** j and k walk the rows, Enter opens, x selects, / searches, Escape lets go; answers the row that the keys are at. */
export function useFleetKeys({ rows, view, show, chosen, setChosen }: Keys): string | null {
  const [walked, setWalked] = useState<string | null>(null)
  const active = view.open !== '' && rows.some(({ id }) => id === view.open) ? view.open : walked

  const step = (by: 1 | -1) => {
    const from = rows.findIndex(({ id }) => id === active)
    const next = rows[from < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, from + by))]
    if (!next) return
    setWalked(next.id)
    if (view.open !== '') show({ open: next.id })
  }
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const { key, target, metaKey, ctrlKey, altKey, defaultPrevented } = event
    if (defaultPrevented || metaKey || ctrlKey || altKey) return
    if (target instanceof Element && target.closest(ELSEWHERE)) return
    if (key === 'j') step(1)
    else if (key === 'k') step(-1)
    else if (key === 'x' && active !== null) setChosen(withToggled(chosen, active))
    else if (key === 'Enter' && active !== null && target === document.body) show({ open: active })
    else if (key === 'Escape' && view.open === '' && Object.keys(chosen).length > 0) setChosen({})
    else if (key === '/') document.getElementById(SEARCH_ID)?.focus()
    else return
    event.preventDefault()
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
  return active
}

import { useEffect, useRef } from 'react'
import type { Faults } from './faults.ts'

/** The first field that something is wrong with gets the focus; not while faults go, one by one, as they are mended. */
export function useFocusOnFault(faults: Faults) {
  const form = useRef<HTMLFormElement>(null)
  const before = useRef(0)
  useEffect(() => {
    const count = Object.keys(faults).length
    const fewer = count < before.current
    before.current = count
    if (count > 0 && !fewer) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [faults])
  return form
}

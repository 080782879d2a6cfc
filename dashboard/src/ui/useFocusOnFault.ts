import { useEffect, useRef } from 'react'
import type { Faults } from './faults.ts'

/** The first field that something is wrong with gets the focus. */
export function useFocusOnFault(faults: Faults) {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (Object.keys(faults).length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [faults])
  return form
}

import { useEffect, useEffectEvent } from 'react'

/** Where keys mean something else. */
const ELSEWHERE = 'input, textarea, select, [contenteditable], [role=menu], [role=listbox], .dialog, .popover'

/** j and k walk the lines; what is done there is done with the line's own button. */
export function useLogKeys(step: (by: 1 | -1) => void): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const { key, target, metaKey, ctrlKey, altKey, defaultPrevented } = event
    if (defaultPrevented || metaKey || ctrlKey || altKey || (key !== 'j' && key !== 'k')) return
    if (target instanceof Element && target.closest(ELSEWHERE)) return
    event.preventDefault()
    step(key === 'j' ? 1 : -1)
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}

import { useEffect } from 'react'

export const SEARCH_ID = 'template-search'

/** Where keys mean something else. */
const ELSEWHERE = 'input, textarea, select, [contenteditable], [role=menu], [role=listbox], [role=tablist], .dialog'

/** j and k go from one template of the list to the next, Enter opens it as it does any link, / searches. */
export function useListKeys(): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      const { key, target, metaKey, ctrlKey, altKey, defaultPrevented } = event
      if (defaultPrevented || metaKey || ctrlKey || altKey) return
      if (target instanceof Element && target.closest(ELSEWHERE)) return
      if (key === 'j') step(1)
      else if (key === 'k') step(-1)
      else if (key === '/') document.getElementById(SEARCH_ID)?.focus()
      else return
      event.preventDefault()
    }
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}

function step(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('a.template-row')]
  const at = rows.findIndex((row) => row === document.activeElement)
  const from = at < 0 ? rows.findIndex((row) => row.dataset['open'] === 'true') : at
  rows[from < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, from + by))]?.focus()
}

const PALETTE = 'convos:palette'
const HELP = 'convos:help'

export const openPalette = (): void => void window.dispatchEvent(new Event(PALETTE))
export const openHelp = (): void => void window.dispatchEvent(new Event(HELP))

/** What a key asks for; null: nothing of ours, or somebody is typing. */
export type Wish = 'palette' | 'help' | { goTo: string }

const TYPING = 'input, textarea, select, [contenteditable], [role=menu], [role=listbox], [role=dialog]'

/** Reads keys: ⌘K or Ctrl K, `?`, and `g` followed by the key of a page. */
export function keyReader() {
  let afterG = false
  return (event: Pick<KeyboardEvent, 'key' | 'metaKey' | 'ctrlKey' | 'altKey' | 'target'>): Wish | null => {
    const { key, metaKey, ctrlKey, altKey, target } = event
    if (key.toLowerCase() === 'k' && (metaKey || ctrlKey)) return 'palette'
    const second = afterG
    afterG = false
    if (metaKey || ctrlKey || altKey || (target instanceof Element && target.closest(TYPING))) return null
    if (second) return { goTo: key }
    if (key === 'g') afterG = true
    return key === '?' ? 'help' : null
  }
}

/** Calls back for each wish, from keys and from buttons. */
export function listenForWishes(onWish: (wish: Wish) => void): () => void {
  const read = keyReader()
  const listening = new AbortController()
  const { signal } = listening
  const onKey = (event: KeyboardEvent) => {
    const wish = event.defaultPrevented ? null : read(event)
    if (wish === null) return
    event.preventDefault()
    onWish(wish)
  }
  window.addEventListener('keydown', onKey, { signal })
  window.addEventListener(PALETTE, () => onWish('palette'), { signal })
  window.addEventListener(HELP, () => onWish('help'), { signal })
  return () => listening.abort()
}

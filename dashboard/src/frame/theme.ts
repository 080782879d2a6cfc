export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const STORED_AS = 'convos.theme'

/** The theme chosen on this machine; `auto` follows the system. */
export function storedTheme(): Theme {
  const stored = localStorage.getItem(STORED_AS)
  return THEMES.find((theme) => theme === stored) ?? 'auto'
}

/** Shows the page in this theme, and remembers it. */
export function applyTheme(theme: Theme): void {
  localStorage.setItem(STORED_AS, theme)
  document.documentElement.dataset['theme'] = theme
}

import { type ReactNode, useState } from 'react'
import { applyTheme, storedTheme, type Theme, THEMES } from './theme.ts'

const ICONS: Record<Theme, ReactNode> = {
  auto: <path d="M8 2a6 6 0 0 1 0 12z" />,
  light: <circle cx="8" cy="8" r="3" />,
  dark: <circle cx="8" cy="8" r="6" />,
}

/** Steps through auto, light and dark. */
export function ThemeToggle() {
  const [theme, setTheme] = useState(storedTheme)
  const step = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto'
    applyTheme(next)
    setTheme(next)
  }
  return (
    <button type="button" className="quiet icon" onClick={step} aria-label={`Theme: ${theme}`} title={`Theme: ${theme}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle className="line" cx="8" cy="8" r="6" />
        {ICONS[theme]}
      </svg>
    </button>
  )
}

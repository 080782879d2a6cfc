import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App, createParts } from './app.tsx'
import { applyTheme, storedTheme } from './frame/theme.ts'

applyTheme(storedTheme())

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App {...createParts()} />
  </StrictMode>,
)

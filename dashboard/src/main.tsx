import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createQueryClient } from './api/queries.ts'
import { App } from './app.tsx'
import { applyTheme, storedTheme } from './frame/theme.ts'
import { askToLogIn } from './session/session.tsx'

applyTheme(storedTheme())

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App client={createQueryClient(askToLogIn)} />
  </StrictMode>,
)

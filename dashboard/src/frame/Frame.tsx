import type { ReactNode } from 'react'
import { Header } from './Header.tsx'
import { OfflineBanner } from './OfflineBanner.tsx'
import { Pulse } from './Pulse.tsx'
import { Shortcuts } from './Shortcuts.tsx'

/** What stands around every page: header, pulse, and the banner when the pool is silent. */
export const Frame = ({ children }: { children: ReactNode }) => (
  <>
    <a className="skip" href="#content">
      Skip to content
    </a>
    <div className="frame">
      <Header />
      <Pulse />
      <OfflineBanner />
    </div>
    <main id="content" tabIndex={-1}>
      {children}
    </main>
    <Shortcuts />
  </>
)

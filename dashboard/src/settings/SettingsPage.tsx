import { useSearch } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useSession } from '../session/session.ts'
import { useTitle } from '../ui/useTitle.ts'
import { useSetSearch } from '../ui/useUrlText.ts'
import { About } from './About.tsx'
import { Keys } from './Keys.tsx'
import { Limits } from './Limits.tsx'
import { SessionCard } from './SessionCard.tsx'

const NewKeyDialog = lazy(() => import('./NewKeyDialog.tsx').then((module) => ({ default: module.NewKeyDialog })))

/** Who is looking, who else may, what holds the pool in its bounds, and which parts it is made of. */
export function SettingsPage() {
  useTitle('Settings')
  const isOperator = useSession().role === 'operator'
  const asked = useSearch({ strict: false, select: (search) => search['new'] })
  const setSearch = useSetSearch()
  return (
    <div className="page settings">
      <h1>Settings</h1>
      <SessionCard />
      {isOperator && <Keys onNew={() => setSearch({ new: 'key' })} />}
      {isOperator && <Limits />}
      <About />
      {isOperator && asked === 'key' && (
        <Suspense>
          <NewKeyDialog onClose={() => setSearch({ new: '' })} />
        </Suspense>
      )}
    </div>
  )
}

import { useBlocker, useRouter } from '@tanstack/react-router'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import type { Editing } from './useEditing.ts'

/** Asks before unsaved changes are left behind. */
export function Unsaved({ editing: { changed, discard } }: { editing: Editing }) {
  const { latestLocation } = useRouter()
  const here = latestLocation.search['open']
  const dirty = changed.length > 0
  const { status, proceed, reset } = useBlocker({
    // a session that ended leads to the login and back here, where the draft waits
    shouldBlockFn: ({ next }) => dirty && next.pathname !== '/login' && !isHere(next, here),
    enableBeforeUnload: dirty,
    withResolver: true,
  })
  if (status !== 'blocked') return null
  return (
    <Dialog title="Leave without saving?" onClose={reset}>
      <p>What you changed in this template is not saved.</p>
      <div className="act end">
        <Button onClick={reset}>Stay</Button>
        <Button
          look="danger-solid"
          onClick={() => {
            discard()
            proceed()
          }}
        >
          Discard changes
        </Button>
      </div>
    </Dialog>
  )
}

/** Another tab of the same editor is no other place. */
const isHere = ({ pathname, search }: { pathname: string; search: Record<string, string | undefined> }, open?: string) =>
  pathname === '/templates' && search['open'] === open

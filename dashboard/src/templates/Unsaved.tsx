import { useBlocker } from '@tanstack/react-router'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import type { Search } from '../url.ts'
import type { Editing } from './useEditing.ts'

/** Asks before unsaved changes are left behind. */
export function Unsaved({ editing: { changed, discard } }: { editing: Editing }) {
  const dirty = changed.length > 0
  const { status, proceed, reset } = useBlocker({
    // a session that ended leads to the login and back here, where the draft waits
    shouldBlockFn: ({ current, next }) => dirty && next.pathname !== '/login' && editorOf(next) !== editorOf(current),
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

/** What is open; another tab of the same editor is no other place. */
const editorOf = ({ pathname, search }: { pathname: string; search: Search }) =>
  [pathname, search['open'] ?? '', search['from'] ?? ''].join(' ')

import type { ReactNode } from 'react'
import { Button } from '../ui/Button.tsx'
import type { Editing } from './useEditing.ts'
import { FIELD_WORDS } from './words.ts'

interface SaveBarProps {
  editing: Editing
  /** The verb with its object: "Save as version 4". */
  act: string
  busy: boolean
  /** Why it cannot be saved now. */
  unable?: string | undefined
  children?: ReactNode
}

/** What is not saved, and the buttons for that; it stays in sight. */
export const SaveBar = ({ editing: { changed, discard }, act, busy, unable, children }: SaveBarProps) => (
  <div className="save-bar">
    <p role="status">
      {changed.length > 0 && (
        <>
          Not saved: <b>{changed.map((field) => FIELD_WORDS[field].toLowerCase()).join(', ')}</b>
        </>
      )}
    </p>
    {children}
    {changed.length > 0 && (
      <Button look="danger" onClick={discard}>
        Discard
      </Button>
    )}
    <Button look="primary" type="submit" busy={busy} unable={unable} aria-keyshortcuts="Meta+S Control+S">
      {act}
    </Button>
  </div>
)

import type { Template } from '@convos/pool/contract'
import { Age } from '../ui/Age.tsx'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Compare } from './Compare.tsx'
import type { Editing } from './useEditing.ts'

interface ConflictProps {
  /** As somebody else saved it. */
  template: Template
  editing: Editing
  busy: boolean
  /** Saves what stands in the editor as the version after theirs. */
  onSave: () => void
  onClose: () => void
}

/** Somebody saved a version while another was being written: both are shown, and none is lost by itself. */
export const Conflict = ({ template, editing, busy, onSave, onClose }: ConflictProps) => (
  <Dialog title={`Version ${template.version} was saved while you edited`} onClose={onClose} className="wide">
    <p>
      You began with version {editing.base}. Somebody saved version {template.version} <Age since={template.updatedAt} /> ago.
      This is what yours would change of it; every version stays in the history.
    </p>
    <Compare before={template} after={editing.draft} names={{ before: `version ${template.version}`, after: 'yours' }} />
    <div className="act end">
      <Button onClick={onClose}>Keep editing</Button>
      <Button
        onClick={() => {
          editing.discard()
          onClose()
        }}
      >
        Take version {template.version}
      </Button>
      <Button look="primary" busy={busy} onClick={onSave}>
        Save mine as version {template.version + 1}
      </Button>
    </div>
  </Dialog>
)

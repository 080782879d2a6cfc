import type { Instance } from '@convos/pool/contract'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Button } from '../ui/Button.tsx'
import { formatNumber } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { ACT, consequencesOf, type Plan, those } from './acts.ts'
import { named, nameOf } from './words.ts'

const NAMED = 5

interface ActDialogProps {
  /** As it is now, not as it was when asked. */
  plan: Plan
  instances: readonly Instance[]
  onBegin: (ids: string[], label: string) => void
  onClose: () => void
}

/** Asks before an act, naming what it is done to and what that does. */
export function ActDialog({ plan: { act, ids, skipped, sentence }, instances, onBegin, onClose }: ActDialogProps) {
  const { verb } = ACT[act]
  const able = instances.filter(({ id }) => ids.includes(id))
  const [first] = able
  if (!first) return <Meanwhile skipped={skipped} onClose={onClose} />
  const thing = able.length === 1 ? nameOf(first) : those(ids)
  const kinds = consequencesOf(act, able)
  return (
    <ConfirmDialog
      title={
        <>
          {verb} <bdi>{thing}</bdi>?
        </>
      }
      act={able.length === 1 ? `${verb} instance` : `${verb} ${those(ids)}`}
      keep={able.length === 1 ? 'Keep it' : 'Keep them'}
      thing={able.length === 1 ? <bdi>{thing}</bdi> : named(able)}
      busy={false}
      error={null}
      onConfirm={() => onBegin(ids, `${verb} ${thing}`)}
      onClose={onClose}
    >
      {instances.length > 1 && <p>{sentence}.</p>}
      <ul className="named">
        {able.slice(0, NAMED).map(({ id, status, agentName }) => (
          <li key={id} className={`status status-${status}`}>
            <StatusMark status={status} /> {status} {agentName !== null && <bdi className="named-name">{agentName}</bdi>}{' '}
            <code>{id}</code>
          </li>
        ))}
        {able.length > NAMED && <li className="hint">and {formatNumber(able.length - NAMED)} more</li>}
      </ul>
      {[...kinds].map(([what, statuses]) => (
        <p key={what}>
          {kinds.size > 1 && <b>{[...statuses].join(', ')}: </b>}
          {what}
        </p>
      ))}
      {skipped.map(({ why, count }) => (
        <p key={why} className="hint">
          {formatNumber(count)} skipped: {why}.
        </p>
      ))}
    </ConfirmDialog>
  )
}

/** What was to be done has become impossible while it was asked about. */
const Meanwhile = ({ skipped, onClose }: Pick<Plan, 'skipped'> & { onClose: () => void }) => (
  <Dialog title="It has changed meanwhile" onClose={onClose}>
    {skipped.map(({ why }) => (
      <p key={why}>Nothing is done: {why}.</p>
    ))}
    <div className="act end">
      <Button onClick={onClose}>Close</Button>
    </div>
  </Dialog>
)

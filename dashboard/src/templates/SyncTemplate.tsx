import type { Operation, Template } from '@convos/pool/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { operationQuery } from '../api/queries.ts'
import { syncTemplate } from '../api/templates.ts'
import { useSession } from '../session/session.ts'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { plural } from '../ui/format.ts'
import { useAgents } from './useAgents.ts'

const ERRORS_SHOWN = 3

/** Gives the agents of a template what it says now, after asking, and shows how far that is. */
export function SyncTemplate({ template, isDirty }: { template: Template; isDirty: boolean }) {
  const { id, agentName, version } = template
  const operator = useSession().role === 'operator'
  const agents = useAgents()
  const claimed = agents?.instances.filter((one) => one.templateId === id && one.actions['sync'] === true).length ?? null
  const [asking, setAsking] = useState(false)
  const [begun, setBegun] = useState<Operation | null>(null)
  const sync = useMutation({
    mutationFn: () => syncTemplate(id),
    onSuccess: (operation) => {
      setBegun(operation)
      setAsking(false)
    },
  })
  const none = agents && !agents.truncated && claimed === 0
  return (
    <>
      <Button
        className="compact"
        unable={isDirty ? 'save or discard your changes first' : none ? 'no claimed agent was made from it' : undefined}
        onClick={() => setAsking(true)}
      >
        Sync agents
      </Button>
      {asking && (
        <ConfirmDialog
          title={
            <>
              Sync the agents of <bdi>{agentName}</bdi>?
            </>
          }
          act={claimed !== null && !agents?.truncated ? `Sync ${plural(claimed, 'agent')}` : 'Sync agents'}
          thing={
            <>
              the agents of <bdi>{agentName}</bdi>
            </>
          }
          busy={sync.isPending}
          error={sync.error}
          onConfirm={() => sync.mutate()}
          onClose={() => setAsking(false)}
        >
          <p>
            Agents that were claimed from it get the instructions and the model of version {version}, but for what their claimers
            chose otherwise. Their conversations go on; tools stay as they are.
          </p>
        </ConfirmDialog>
      )}
      {begun && (operator ? <Followed key={begun.id} begun={begun} /> : <Told begun={begun} />)}
    </>
  )
}

/** Operations are for operators to follow. */
const Told = ({ begun: { total } }: { begun: Operation }) => (
  <p className="sync" role="status">
    {total === 0 ? 'No claimed agent was made from it.' : `${plural(total, 'agent')} will be told within a minute.`}
  </p>
)

function Followed({ begun }: { begun: Operation }) {
  const { state, total, done, failed, items } = useQuery(operationQuery(begun)).data
  const wrong = items.filter(({ error }) => error !== null)
  const over = state !== 'running'
  return (
    <div className="sync">
      <progress aria-label="Sync" max={Math.max(1, total)} value={over && total === 0 ? 1 : done + failed} />
      <p role="status">
        {over ? 'Synced' : 'Syncing'}: {done} of {plural(total, 'agent')}
        {failed > 0 && `, ${failed} failed`}
      </p>
      {wrong.slice(0, ERRORS_SHOWN).map(({ instanceId, error }) => (
        <p key={instanceId} className="field-error">
          <code>{instanceId}</code> {error}
        </p>
      ))}
      {wrong.length > ERRORS_SHOWN && <p className="field-error">and {wrong.length - ERRORS_SHOWN} more</p>}
    </div>
  )
}

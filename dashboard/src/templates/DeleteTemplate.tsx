import type { Template } from '@convos/pool/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { deleteTemplate } from '../api/templates.ts'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { toast } from '../ui/toast.tsx'
import { agentsOf } from './listing.ts'
import { dropTemplate } from './queries.ts'
import { useAgents } from './useAgents.ts'
import { opened } from './view.ts'
import { agentsText } from './words.ts'

/** Takes a template out of use, after asking. */
export function DeleteTemplate({ template: { id, agentName } }: { template: Template }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [asking, setAsking] = useState(false)
  const agents = useAgents()
  const count = agents ? (agentsOf(agents.instances).get(id) ?? 0) : 0
  const remove = useMutation({
    mutationFn: () => deleteTemplate(id),
    onSuccess: async () => {
      await navigate({ to: '/templates', search: opened(''), replace: true, ignoreBlocker: true })
      dropTemplate(client, id)
      sessionStorage.removeItem(`convos.template.${id}`)
      void toast(`${agentName} is deleted`)
    },
  })
  return (
    <>
      <Button look="danger" className="compact" onClick={() => setAsking(true)}>
        Delete
      </Button>
      {asking && (
        <ConfirmDialog
          title={
            <>
              Delete <bdi>{agentName}</bdi>?
            </>
          }
          act="Delete template"
          keep="Keep it"
          thing={<bdi>{agentName}</bdi>}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsking(false)}
        >
          <p>
            It can no longer be claimed or changed, by anybody.{' '}
            {agents && count > 0
              ? `${agentsText(count, agents.truncated)} made from it ${count === 1 ? 'stays' : 'stay'} as they are.`
              : 'Agents made from it stay as they are.'}
          </p>
        </ConfirmDialog>
      )}
    </>
  )
}

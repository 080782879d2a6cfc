import { DEFAULT_AGENT_NAME, mayUseTemplate, type Template } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { type SubmitEvent, useState } from 'react'
import type { ApiError } from '../api/errors.ts'
import { templatesQuery, toolsQuery } from '../api/queries.ts'
import { usePool } from '../frame/usePool.ts'
import { useSession } from '../session/session.ts'
import { Button } from '../ui/Button.tsx'
import { type Faults, without } from '../ui/faults.ts'
import { Problem } from '../ui/Problem.tsx'
import { useFocusOnFault } from '../ui/useFocusOnFault.ts'
import { useUrlText } from '../ui/useUrlText.ts'
import { AgentFields } from './AgentFields.tsx'
import type { useAttempt } from './attempt.ts'
import { credentialFaults, type Credentials, toolsAsked, userConfigOf } from './credentials.ts'
import { bodyFaults, bodyOf, type Draft, refusalFaults } from './draft.ts'
import { InviteField } from './InviteField.tsx'
import { claimLabel, waitHint } from './label.ts'
import { TemplatePicker } from './TemplatePicker.tsx'
import { ToolForm } from './ToolForm.tsx'

interface ClaimFormProps {
  draft: Draft
  onChange: (draft: Draft) => void
  credentials: Credentials
  onCredentials: (credentials: Credentials) => void
  /** Why the last attempt brought no agent. */
  failure: ApiError | null
  onClaim: ReturnType<typeof useAttempt>['start']
}

export function ClaimForm({ draft, onChange, credentials, onCredentials, failure, onClaim }: ClaimFormProps) {
  const { counts } = usePool()
  const session = useSession()
  const [templateId, setTemplateId] = useUrlText('template')
  const templates = useQuery(templatesQuery)
  const offered = useQuery(toolsQuery).data?.tools ?? []
  // operators see what others keep private, and cannot claim it
  const usable = templates.data?.templates.filter((one) => mayUseTemplate(one, session))
  const template = usable?.find(({ id }) => id === templateId) ?? null
  const asked = toolsAsked(template, offered)
  const [faults, setFaults] = useState<Faults>(() => (failure ? refusalFaults(failure) : {}))
  const form = useFocusOnFault(faults)

  // what was said of a field is of what stood there
  const mend = (...fields: string[]) => setFaults((all) => (fields.some((field) => field in all) ? without(all, fields) : all))
  const change = (part: Partial<Draft>) => {
    mend(...Object.keys(part))
    onChange({ ...draft, ...part })
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const body = bodyOf(draft, { ready: counts?.idle, templateId: templateId || undefined })
    const found = { ...bodyFaults(body), ...credentialFaults(asked, credentials) }
    setFaults(found)
    if (Object.keys(found).length > 0) return
    onClaim({
      body,
      name: nameOf(body.agentName, template),
      tools: (template?.tools.length ?? 0) > 0,
      userConfig: userConfigOf(asked, credentials),
    })
  }
  return (
    <form className="column stack" ref={form} onSubmit={submit} noValidate>
      <h1>Claim an agent</h1>
      {failure && <Problem error={failure} />}
      {templates.error ? (
        <p className="notice">The templates could not be read. You can still write your own.</p>
      ) : (
        <TemplatePicker
          templates={usable}
          truncated={templates.data?.truncated ?? false}
          tools={offered}
          chosen={template ? templateId : ''}
          onChoose={setTemplateId}
        />
      )}
      {templates.data && templateId !== '' && !template && (
        <p className="notice">The template of this address is not there any more.</p>
      )}
      <AgentFields key={templateId} draft={draft} template={template} faults={faults} onChange={change} />
      {asked.map((tool) => (
        <ToolForm
          key={tool.toolId}
          tool={tool}
          typed={credentials[tool.toolId] ?? {}}
          faults={faults}
          onChange={(name, value) => {
            mend(`userConfig.${tool.toolId}`, `userConfig.${tool.toolId}.${name}`)
            onCredentials({ ...credentials, [tool.toolId]: { ...credentials[tool.toolId], [name]: value } })
          }}
        />
      ))}
      <InviteField value={draft.joinUrl} fault={faults['joinUrl']} onChange={(joinUrl) => change({ joinUrl })} />
      <div className="claim-act">
        <Button look="primary" type="submit">
          {claimLabel({ ready: counts?.idle, etaSeconds: failure?.etaSeconds ?? null, queueDepth: failure?.queueDepth ?? null })}
        </Button>
        {counts?.idle === 0 && <p className="hint">{waitHint(counts.provisioning)}</p>}
      </div>
    </form>
  )
}

const nameOf = (typed: string | undefined, template: Template | null) => typed ?? template?.agentName ?? DEFAULT_AGENT_NAME

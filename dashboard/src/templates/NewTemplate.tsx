import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { createTemplate } from '../api/templates.ts'
import { type Faults, byField } from '../ui/faults.ts'
import { Problem } from '../ui/Problem.tsx'
import { toast } from '../ui/toast.tsx'
import { bodyOf, copyOf, type Draft, EMPTY, faultsOf, namedFaults } from './draft.ts'
import { OpenLoading } from './OpenLoading.tsx'
import { inList, keepTemplate, templateQuery } from './queries.ts'
import { SaveBar } from './SaveBar.tsx'
import { TemplateForm } from './TemplateForm.tsx'
import { TryDraft } from './TryDraft.tsx'
import { Unsaved } from './Unsaved.tsx'
import { useEditing } from './useEditing.ts'
import { opened } from './view.ts'

/** A template that is being made: from nothing, or as a copy. */
export const NewTemplate = ({ from }: { from: string }) =>
  from === '' ? <Making name="new" initial={EMPTY} /> : <Copying from={from} />

function Copying({ from }: { from: string }) {
  const client = useQueryClient()
  const { data, error } = useQuery({ ...templateQuery(from), placeholderData: () => inList(client, from) })
  if (data) return <Making name={`new:${from}`} initial={copyOf(data)} />
  return error ? <Problem error={error} /> : <OpenLoading />
}

function Making({ name, initial }: { name: string; initial: Draft }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const editing = useEditing(name, initial, 0)
  const { draft } = editing
  const [faults, setFaults] = useState<Faults>({})
  const create = useMutation({
    mutationFn: () => createTemplate(bodyOf(draft)),
    onSuccess: async (template) => {
      keepTemplate(client, template)
      editing.discard()
      await navigate({ to: '/templates', search: opened(template.id), replace: true, ignoreBlocker: true })
      void toast(`${template.agentName} is saved`)
    },
    onError: ({ fields }) => setFaults(byField(namedFaults(fields, draft))),
  })
  const save = () => {
    if (create.isPending) return
    const found = faultsOf(draft)
    setFaults(found)
    if (Object.keys(found).length === 0) create.mutate()
  }
  return (
    <>
      <header className="template-head">
        <h2>{initial === EMPTY ? 'New template' : 'A copy'}</h2>
        <div className="act">
          <TryDraft draft={draft} />
        </div>
      </header>
      <TemplateForm editing={editing} faults={faults} onSave={save}>
        {create.error && <Problem error={create.error} />}
        <SaveBar editing={editing} act="Create template" busy={create.isPending} />
      </TemplateForm>
      <Unsaved editing={editing} />
    </>
  )
}

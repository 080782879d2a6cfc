import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Faults } from '../ui/faults.ts'
import { Problem } from '../ui/Problem.tsx'
import { copyOf, type Draft, EMPTY } from './draft.ts'
import { OpenLoading } from './OpenLoading.tsx'
import { inList, templateQuery } from './queries.ts'
import { SaveBar } from './SaveBar.tsx'
import { TemplateForm } from './TemplateForm.tsx'
import { TryDraft } from './TryDraft.tsx'
import { Unsaved } from './Unsaved.tsx'
import { useCreate } from './useCreate.ts'
import { useEditing } from './useEditing.ts'

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
  const editing = useEditing(name, initial, 0)
  const [faults, setFaults] = useState<Faults>({})
  const create = useCreate(editing, setFaults)
  return (
    <>
      <header className="template-head">
        <h2>{initial === EMPTY ? 'New template' : 'A copy'}</h2>
        <div className="act">
          <TryDraft draft={editing.draft} />
        </div>
      </header>
      <TemplateForm editing={editing} faults={faults} onSave={create.begin}>
        {create.error && <Problem error={create.error} isAct />}
        <SaveBar editing={editing} act="Create template" busy={create.isPending} />
      </TemplateForm>
      <Unsaved editing={editing} />
    </>
  )
}
